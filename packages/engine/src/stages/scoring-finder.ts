import type { Resources } from '../model/resources.ts';
import type { Scorer, ScoringPolicy } from '../policy/policy.ts';
import { CandidateHeap } from './candidate-heap.ts';
import { CandidateLists } from './candidates.ts';
import type { Finder } from './finder.ts';
import type { WaitingClass } from './queue.ts';
import type { ScratchCluster } from './scratch-cluster.ts';

/** The worker with the best score. */
export class ScoringFinder implements Finder {
  readonly #name: string;
  readonly #cluster: ScratchCluster;
  readonly #scorer: Scorer;
  readonly #candidates: CandidateLists;
  readonly #heaps = new Map<WaitingClass, CandidateHeap>();
  /** Space for one scan, used again and again. */
  readonly #rows: Int32Array;
  readonly #scores: Float64Array;
  readonly cursor = null;

  constructor(policy: ScoringPolicy, cluster: ScratchCluster) {
    this.#name = policy.name;
    this.#cluster = cluster;
    this.#scorer = policy.prepare(cluster.table);
    this.#candidates = new CandidateLists(cluster.workers);
    this.#rows = new Int32Array(cluster.count);
    this.#scores = new Float64Array(cluster.count);
  }

  find(group: WaitingClass): number {
    let heap = this.#heaps.get(group);
    if (heap === undefined) {
      heap = new CandidateHeap(group.request, this.#candidates.of(group), this.#scorer, this.#cluster);
      this.#heaps.set(group, heap);
    }
    return heap.catchUp() ? heap.best() : this.#scan(group.request, this.#candidates.of(group));
  }

  placed(row: number): void {
    this.#scorer.placed?.(row);
  }

  describe(group: WaitingClass, row: number): string {
    const parts = this.#scorer.parts(group.request, row);
    let text = `${this.#name}:`;
    for (const part in parts) text += ` ${part} ${Math.round(parts[part]! * 1000) / 1000}`;
    return text;
  }

  #scan(request: Resources, candidates: Int32Array | null): number {
    const rows = this.#rows;
    const scores = this.#scores;
    const count = this.#cluster.fitting(request, candidates, rows);
    this.#scorer.score(request, rows, count, scores);
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < count; at++) {
      if (scores[at]! > bestScore) {
        bestScore = scores[at]!;
        best = rows[at]!;
      }
    }
    return best;
  }
}
