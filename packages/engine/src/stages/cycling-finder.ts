import type { CyclingPolicy } from '../policy/policy.ts';
import { CandidateLists } from './candidates.ts';
import type { Finder } from './finder.ts';
import type { WaitingClass } from './queue.ts';
import type { ScratchCluster } from './scratch-cluster.ts';

/** Steps over workers without room after which a class remembers which ones to leap over. */
const LONG_WALK = 64;

/** The first worker with room after the one chosen last, in the order of ids. */
export class CyclingFinder implements Finder {
  readonly #name: string;
  readonly #cluster: ScratchCluster;
  readonly #candidates: CandidateLists;
  /** Per class, once a walk was long: from each place the next one that may still have room (union-find). */
  readonly #leaps = new Map<WaitingClass, Int32Array>();
  /** The first row after the worker chosen last. */
  #next: number;
  cursor: string | null = null;

  constructor(policy: CyclingPolicy, cluster: ScratchCluster, cursor: string | null) {
    this.#name = `${policy.name}/${policy.version}`;
    this.#cluster = cluster;
    this.#candidates = new CandidateLists(cluster.workers);
    this.#next = cursor === null ? 0 : firstAfter(cluster, cursor);
  }

  find(group: WaitingClass): number {
    const rows = this.#candidates.of(group);
    const start = lowerBound(rows, this.#next);
    const leaps = this.#cluster.guard === null ? this.#leaps.get(group) : undefined;
    const row = leaps === undefined ? this.#walk(group, rows, start) : this.#leap(group, rows, leaps, start);
    return row < 0 ? this.#again(group) : row;
  }

  placed(row: number): void {
    this.#next = row + 1;
    this.cursor = this.#cluster.workers[row]!.id;
  }

  device(): number {
    return -1;
  }

  describe(): string {
    return this.#name;
  }

  /** Where the class failed before: a handful of rows. */
  #again(group: WaitingClass): number {
    const rows = this.#candidates.again(group);
    const start = lowerBound(rows, this.#next);
    for (let step = 0; step < rows.length; step++) {
      const row = rows[(start + step) % rows.length]!;
      if (this.#cluster.fits(row, group)) return row;
    }
    return -1;
  }

  #walk(group: WaitingClass, rows: Int32Array, start: number): number {
    for (let step = 0; step < rows.length; step++) {
      const at = start + step < rows.length ? start + step : start + step - rows.length;
      if (!this.#cluster.fits(rows[at]!, group)) continue;
      if (step > LONG_WALK && group.size > 1 && this.#cluster.guard === null)
        this.#leaps.set(
          group,
          Int32Array.from({ length: rows.length + 1 }, (_, place) => place),
        );
      return rows[at]!;
    }
    return -1;
  }

  /** The same walk with leaps: a worker found full for this class is never looked at again in this pass. */
  #leap(group: WaitingClass, rows: Int32Array, leaps: Int32Array, start: number): number {
    for (const [from, to] of [
      [start, rows.length],
      [0, start],
    ] as const) {
      for (let at = leapFrom(leaps, from); at < to; at = leapFrom(leaps, at)) {
        if (this.#cluster.fits(rows[at]!, group)) return rows[at]!;
        leaps[at] = at + 1;
      }
    }
    return -1;
  }
}

/** The root of the union-find, with path halving. */
function leapFrom(leaps: Int32Array, from: number): number {
  let at = from;
  while (leaps[at] !== at) {
    leaps[at] = leaps[leaps[at]!]!;
    at = leaps[at]!;
  }
  return at;
}

/** The first row of a worker whose id is after this one, which may be gone. */
function firstAfter({ workers }: ScratchCluster, id: string): number {
  const row = workers.findIndex((worker) => worker.id > id);
  return row < 0 ? workers.length : row;
}

/** The first place whose row is `row` or later. */
function lowerBound(rows: Int32Array, row: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]! < row) low = middle + 1;
    else high = middle;
  }
  return low;
}
