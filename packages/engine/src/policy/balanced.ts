import type { Resources } from '../model/resources.ts';
import type { Scorer, ScoringPolicy } from './policy.ts';
import type { RoomTable } from './room-table.ts';

/**
 * Keeps the fullest resource of every worker as low as it can: score = 1 − max over resources of
 * (allocated + request) / capacity, so 1 is an empty worker and 0 one that the task would fill in some resource.
 * Custom resources, being licences and the like, are no load and do not count.
 */
export const balanced: ScoringPolicy = {
  kind: 'scoring',
  name: 'balanced',
  summary: 'The worker whose fullest resource stays lowest with the task on it.',
  source:
    'List scheduling under the maximum norm; C. Chekuri, S. Khanna, On Multidimensional Packing Problems, SIAM J. Comput. 33(4), 2004',
  prepare: (table) => new Headroom(table),
};

class Headroom implements Scorer {
  readonly spreads = true;
  readonly #table: RoomTable;
  // Per row the share of each resource that is free (1 of what the worker does not have), and the smallest of them.
  // With one over the total beside it a score costs multiplications instead of divisions.
  readonly #cpu: Share;
  readonly #memory: Share;
  readonly #storage: Share;
  readonly #gpu: Share;
  readonly #least: Float64Array;

  constructor(table: RoomTable) {
    this.#table = table;
    this.#cpu = new Share(table.cpuMillis);
    this.#memory = new Share(table.memoryBytes);
    this.#storage = new Share(table.storageBytes);
    this.#gpu = new Share(table.gpuMillis);
    this.#least = new Float64Array(table.count);
    for (let row = 0; row < table.count; row++) this.placed(row);
  }

  placed(row: number): void {
    const { freeCpuMillis, freeMemoryBytes, freeStorageBytes, freeGpuMillis } = this.#table;
    this.#least[row] = Math.min(
      this.#cpu.renew(row, freeCpuMillis[row]!),
      this.#memory.renew(row, freeMemoryBytes[row]!),
      this.#storage.renew(row, freeStorageBytes[row]!),
      this.#gpu.renew(row, freeGpuMillis[row]!),
    );
  }

  score(request: Resources, rows: Int32Array, count: number, scores: Float64Array): void {
    // A resource that is not asked for keeps its share, which the smallest share covers.
    for (let i = 0; i < count; i++) scores[i] = this.#least[rows[i]!]!;
    if (request.cpuMillis > 0) this.#cpu.lower(request.cpuMillis, rows, count, scores);
    if (request.memoryBytes > 0) this.#memory.lower(request.memoryBytes, rows, count, scores);
    if (request.storageBytes > 0) this.#storage.lower(request.storageBytes, rows, count, scores);
    if (request.gpuMillis > 0) this.#gpu.lower(request.gpuMillis, rows, count, scores);
  }

  parts(request: Resources, row: number): Readonly<Record<string, number>> {
    const score = new Float64Array(1);
    this.score(request, Int32Array.of(row), 1, score);
    return { headroom: score[0]! };
  }
}

/** The free share of one resource, per row. */
class Share {
  readonly #free: Float64Array;
  readonly #unit: Float64Array;

  constructor(totals: Float64Array) {
    this.#free = new Float64Array(totals.length);
    this.#unit = totals.map((total) => (total === 0 ? 0 : 1 / total));
  }

  renew(row: number, free: number): number {
    const unit = this.#unit[row]!;
    const share = unit === 0 ? 1 : free * unit;
    this.#free[row] = share;
    return share;
  }

  /** Lowers the scores to what stays free of this resource where that is less. */
  lower(required: number, rows: Int32Array, count: number, scores: Float64Array): void {
    const free = this.#free;
    const unit = this.#unit;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      scores[i] = Math.min(scores[i]!, free[row]! - required * unit[row]!);
    }
  }
}
