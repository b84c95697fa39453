import type { Resources } from '../model/resources.ts';
import type { Scorer, ScoringPolicy } from '../policy/policy.ts';
import { CandidateHeap } from './candidate-heap.ts';
import { CandidateLists } from './candidates.ts';
import type { Finder } from './finder.ts';
import type { WaitingClass } from './queue.ts';
import type { ScratchCluster } from './scratch-cluster.ts';

/** A scan goes on by so many candidates at a time; what it found so far rules out some of the next. */
const CHUNK = 256;

/** The worker with the best score. */
export class ScoringFinder implements Finder {
  readonly #name: string;
  readonly #cluster: ScratchCluster;
  readonly #scorer: Scorer;
  readonly #candidates: CandidateLists;
  readonly #heaps = new Map<WaitingClass, CandidateHeap>();
  /** Space for one scan, used again and again. */
  readonly #rows = new Int32Array(CHUNK);
  readonly #scores = new Float64Array(CHUNK);
  readonly cursor = null;

  constructor(policy: ScoringPolicy, cluster: ScratchCluster) {
    this.#name = policy.name;
    this.#cluster = cluster;
    this.#scorer = policy.prepare(cluster.table);
    this.#candidates = new CandidateLists(cluster.workers);
  }

  find(group: WaitingClass): number {
    let heap = this.#heaps.get(group);
    if (heap === undefined) {
      heap = new CandidateHeap(group.request, this.#candidates.of(group), this.#scorer, this.#cluster);
      this.#heaps.set(group, heap);
    }
    const row = heap.catchUp() ? heap.best() : this.#scan(group.request, this.#candidates.of(group));
    return row < 0 ? this.#scan(group.request, this.#candidates.again(group)) : row;
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

  /** Looks at every candidate, but scores only those that could be better than the best so far. */
  #scan(request: Resources, candidates: Int32Array): number {
    const rows = this.#rows;
    const scores = this.#scores;
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let from = 0; from < candidates.length; from += CHUNK) {
      const able = this.#above(bestScore, candidates, from);
      const count = this.#cluster.keepFitting(request, rows, able);
      this.#scorer.score(request, rows, count, scores);
      for (let at = 0; at < count; at++) {
        if (scores[at]! > bestScore) {
          bestScore = scores[at]!;
          best = rows[at]!;
        }
      }
    }
    return best;
  }

  /** Writes the rows of a chunk whose score may be above `floor`, and answers how many. Ties go to who came first. */
  #above(floor: number, candidates: Int32Array, from: number): number {
    const rows = this.#rows;
    const { ceiling } = this.#scorer;
    const to = Math.min(from + CHUNK, candidates.length);
    let count = 0;
    for (let at = from; at < to; at++) {
      const row = candidates[at]!;
      rows[count] = row;
      if (ceiling === null || ceiling[row]! > floor) count++;
    }
    return count;
  }
}
