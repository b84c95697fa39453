import type { Resources } from '../model/resources.ts';
import type { Scorer } from '../policy/policy.ts';
import type { WaitingClass } from './queue.ts';
import type { ScratchRoom } from './scratch-room.ts';

interface HeapEntry {
  readonly score: number;
  readonly room: ScratchRoom;
  /** The room's stamp when it was scored. */
  readonly stamp: number;
}

/**
 * The workers with room for one class, best first. A placement changes the score of the chosen worker only: it is
 * scored again and pushed anew, and its older entry, known by its stamp, is dropped when it comes up.
 */
export class CandidateHeap {
  readonly #request: Resources;
  readonly #rooms: readonly ScratchRoom[];
  /** For classes that not every worker suits; null: all do. */
  readonly #members: ReadonlySet<ScratchRoom> | null;
  readonly #scorer: Scorer;
  #entries: HeapEntry[] = [];
  /** How much of the log of placements is taken in. */
  #seen: number;

  constructor(group: WaitingClass, rooms: readonly ScratchRoom[], scorer: Scorer, seen: number) {
    this.#request = group.request;
    this.#rooms = rooms;
    this.#members = group.where === '' ? null : new Set(rooms);
    this.#scorer = scorer;
    this.#seen = seen;
    this.#build();
  }

  /** `log` names every worker placed on in this pass, in order. */
  best(log: readonly ScratchRoom[]): ScratchRoom | null {
    this.#takeIn(log);
    for (let top = this.#entries[0]; top !== undefined; top = this.#entries[0]) {
      if (top.stamp === top.room.stamp) return top.room;
      this.#pop();
    }
    return null;
  }

  #takeIn(log: readonly ScratchRoom[]): void {
    // Past this many placements, or stale entries, starting afresh is cheaper.
    if (log.length - this.#seen > this.#rooms.length || this.#entries.length > 2 * this.#rooms.length) {
      this.#build();
    } else {
      for (let at = this.#seen; at < log.length; at++) this.#rescore(log[at]!);
    }
    this.#seen = log.length;
  }

  #build(): void {
    const entries: HeapEntry[] = [];
    for (const room of this.#rooms) {
      if (room.ledger.fits(this.#request)) entries.push(this.#scored(room));
    }
    this.#entries = entries;
    for (let at = (entries.length >> 1) - 1; at >= 0; at--) this.#siftDown(at, entries[at]!);
  }

  #rescore(room: ScratchRoom): void {
    if (this.#members !== null && !this.#members.has(room)) return;
    if (!room.ledger.fits(this.#request)) return;
    const entry = this.#scored(room);
    // In place of a stale top, which is where the worker just chosen stands.
    const top = this.#entries[0];
    if (top !== undefined && top.stamp !== top.room.stamp) this.#siftDown(0, entry);
    else this.#push(entry);
  }

  #scored(room: ScratchRoom): HeapEntry {
    return { score: this.#scorer.score(this.#request, room), room, stamp: room.stamp };
  }

  #push(entry: HeapEntry): void {
    const entries = this.#entries;
    let at = entries.length;
    entries.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBetter(entry, entries[parent]!)) break;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[at] = entry;
  }

  #pop(): void {
    const last = this.#entries.pop();
    if (last !== undefined && this.#entries.length > 0) this.#siftDown(0, last);
  }

  /** Puts `entry` at `start` or below it, where it belongs. */
  #siftDown(start: number, entry: HeapEntry): void {
    const entries = this.#entries;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && isBetter(entries[child + 1]!, entries[child]!)) child++;
      if (!isBetter(entries[child]!, entry)) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = entry;
  }
}

/** Ties go to the smaller worker id. */
function isBetter(a: HeapEntry, b: HeapEntry): boolean {
  return a.score !== b.score ? a.score > b.score : a.room.rank < b.room.rank;
}
