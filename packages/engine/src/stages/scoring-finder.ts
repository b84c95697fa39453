import { GPU_DEVICE_MILLIS } from '../model/gpu.ts';
import type { Ask, Knowledge, Scorer, ScoringPolicy, TaskFacts } from '../policy/policy.ts';
import { CandidateHeap } from './candidate-heap.ts';
import { CandidateLists } from './candidates.ts';
import type { Finder } from './finder.ts';
import type { WaitingClass } from './queue.ts';
import type { QueueEntry } from './queue-order.ts';
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

  constructor(policy: ScoringPolicy, cluster: ScratchCluster, knowledge: Knowledge) {
    this.#name = `${policy.name}/${policy.version}`;
    this.#cluster = cluster;
    this.#scorer = policy.prepare(cluster.table, knowledge);
    this.#candidates = new CandidateLists(cluster.workers);
  }

  find(group: WaitingClass, entry: QueueEntry): number {
    const candidates = this.#candidates.of(group);
    const row =
      this.#scorer.perTask === true ? this.#scan(askOf(group, entry), candidates) : this.#best(group, candidates);
    return row < 0 ? this.#scan(this.#askFor(group, entry), this.#candidates.again(group)) : row;
  }

  device(group: WaitingClass, entry: QueueEntry, row: number): number {
    const { gpuMillis } = group.request;
    if (gpuMillis === 0 || gpuMillis >= GPU_DEVICE_MILLIS || this.#scorer.device === undefined) return -1;
    return this.#scorer.device(this.#askFor(group, entry), row);
  }

  #best(group: WaitingClass, candidates: Int32Array): number {
    // Heaps hold what has room, and know nothing of guards.
    if (this.#cluster.guard !== null) return this.#scan(group, candidates);
    let heap = this.#heaps.get(group);
    if (heap === undefined) {
      heap = new CandidateHeap(group, candidates, this.#scorer, this.#cluster);
      this.#heaps.set(group, heap);
    }
    return heap.catchUp() ? heap.best() : this.#scan(group, candidates);
  }

  #askFor(group: WaitingClass, entry: QueueEntry): Ask {
    return this.#scorer.perTask === true ? askOf(group, entry) : group;
  }

  placed(row: number): void {
    this.#scorer.placed?.(row);
  }

  describe(group: WaitingClass, entry: QueueEntry, row: number): string {
    const parts = this.#scorer.parts(this.#askFor(group, entry), row);
    let text = `${this.#name}:`;
    for (const part in parts) text += ` ${part} ${Math.round(parts[part]! * 1000) / 1000}`;
    return text;
  }

  /** Looks at every candidate, but scores only those that could be better than the best so far. */
  #scan(ask: Ask, candidates: Int32Array): number {
    const rows = this.#rows;
    const scores = this.#scores;
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let from = 0; from < candidates.length; from += CHUNK) {
      const able = this.#above(bestScore, candidates, from);
      const count = this.#cluster.keepFitting(ask, rows, able);
      this.#scorer.score(ask, rows, count, scores);
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

function askOf({ request, gpuModels }: WaitingClass, { facts, deadlineAt }: QueueEntry): Ask {
  const task: TaskFacts = { ...facts, deadlineAt: deadlineAt === Number.POSITIVE_INFINITY ? null : deadlineAt };
  return { request, gpuModels, task };
}
