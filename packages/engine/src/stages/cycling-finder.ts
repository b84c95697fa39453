import type { CyclingPolicy } from '../policy/policy.ts';
import { CandidateLists } from './candidates.ts';
import type { WaitingClass } from './queue.ts';
import type { Finder, ScratchRoom } from './scratch-room.ts';

/** Steps over workers without room after which a class remembers which ones to leap over. */
const LONG_WALK = 64;

export class CyclingFinder implements Finder {
  readonly #candidates: CandidateLists;
  readonly #name: string;
  /** Per class, once a walk was long: from each place the next one that may still have room (union-find). */
  readonly #leaps = new Map<WaitingClass, Int32Array>();
  #last: string | null;
  cursor: string | null = null;

  constructor(policy: CyclingPolicy, rooms: readonly ScratchRoom[], cursor: string | null) {
    this.#name = policy.name;
    this.#candidates = new CandidateLists(rooms);
    this.#last = cursor;
  }

  find(group: WaitingClass): ScratchRoom | null {
    const rooms = this.#candidates.of(group);
    const start = this.#firstAfterLast(rooms);
    const leaps = this.#leaps.get(group);
    if (leaps !== undefined) return leapTo(group, rooms, leaps, start);
    for (let step = 0; step < rooms.length; step++) {
      const at = start + step < rooms.length ? start + step : start + step - rooms.length;
      if (rooms[at]!.ledger.fits(group.request)) {
        if (step > LONG_WALK && group.size > 1)
          this.#leaps.set(
            group,
            Int32Array.from({ length: rooms.length + 1 }, (_, i) => i),
          );
        return rooms[at]!;
      }
    }
    return null;
  }

  placed(room: ScratchRoom): void {
    this.#last = room.worker.id;
    this.cursor = room.worker.id;
  }

  describe(): string {
    return this.#name;
  }

  /** Place of the first worker whose id is after the one chosen last, or 0 when that was the last of all. */
  #firstAfterLast(rooms: readonly ScratchRoom[]): number {
    const last = this.#last;
    if (last === null) return 0;
    let low = 0;
    let high = rooms.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rooms[middle]!.worker.id <= last) low = middle + 1;
      else high = middle;
    }
    return low === rooms.length ? 0 : low;
  }
}

/** The walk from `start` with leaps: a worker found full for this class is never looked at again in this pass. */
function leapTo(
  group: WaitingClass,
  rooms: readonly ScratchRoom[],
  leaps: Int32Array,
  start: number,
): ScratchRoom | null {
  for (const [from, to] of [
    [start, rooms.length],
    [0, start],
  ] as const) {
    for (let at = leapFrom(leaps, from); at < to; at = leapFrom(leaps, at)) {
      if (rooms[at]!.ledger.fits(group.request)) return rooms[at]!;
      leaps[at] = at + 1;
    }
  }
  return null;
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
