/**
 * Rooms that are promised to tasks that do not fit yet. A promise names a worker and the earliest time at which the task
 * fits there if all that runs ends when it is expected to; who starts meanwhile must not put that off.
 *
 * Amounts are looked at in sum: which GPUs will be free is not foreseen. A promise that turns out wrong is made anew in
 * the next pass, as all of them are.
 */
import type { Resources } from '../model/resources.ts';
import type { Backfill } from '../policy/ordering-registry.ts';

/** Something that runs, with the time at which it should be over, Unix ms; Infinity: nobody knows. */
export interface Running {
  readonly endsAt: number;
  readonly request: Resources;
}

export interface Promised {
  readonly row: number;
  /** Infinity: as soon as the worker is empty enough, whenever that may be; nothing else starts there. */
  readonly startAt: number;
  readonly endsAt: number;
  readonly request: Resources;
}

/** What the promises need to know of a worker. */
export interface PromisedRoom {
  readonly free: Resources;
  readonly running: readonly Running[];
}

/** Promises on one worker; more would cost more than they bring. */
const MOST_PER_WORKER = 16;

export class Reservations {
  readonly #byRow = new Map<number, Promised[]>();
  readonly #roomOf: (row: number) => PromisedRoom;
  readonly #now: number;
  size = 0;

  constructor(now: number, roomOf: (row: number) => PromisedRoom) {
    this.#now = now;
    this.#roomOf = roomOf;
  }

  isPromised(row: number): boolean {
    return this.#byRow.has(row);
  }

  /** Whether a task that starts now and runs for so long (ms; null: nobody knows) leaves the worker's promises as they are. */
  admits(row: number, request: Resources, expectedMs: number | null): boolean {
    const promises = this.#byRow.get(row);
    if (promises === undefined) return true;
    const endsAt = expectedMs === null ? Number.POSITIVE_INFINITY : this.#now + expectedMs;
    const room = this.#roomOf(row);
    return promises.every(
      ({ startAt }) =>
        startAt !== Number.POSITIVE_INFINITY && (startAt >= endsAt || this.#hasRoom(room, promises, startAt, request)),
    );
  }

  /** Promises the worker among `rows` where the request fits first; null if it never will, as far as is known. */
  promise(rows: Iterable<number>, request: Resources, expectedMs: number | null): Promised | null {
    let best: Promised | null = null;
    for (const row of rows) {
      const startAt = this.#earliest(row, request, expectedMs, best?.startAt ?? Number.POSITIVE_INFINITY);
      if (startAt === null) continue;
      best = { row, startAt, endsAt: expectedMs === null ? Number.POSITIVE_INFINITY : startAt + expectedMs, request };
    }
    if (best !== null) this.#keep(best);
    return best;
  }

  /** Promises a worker whatever is known: nothing else starts there before. */
  bar(row: number, request: Resources): Promised {
    const barred = { row, startAt: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY, request };
    this.#keep(barred);
    return barred;
  }

  #keep(promised: Promised): void {
    const known = this.#byRow.get(promised.row);
    if (known === undefined) this.#byRow.set(promised.row, [promised]);
    else known.push(promised);
    this.size++;
  }

  /** The first time before `before` at which the request fits and stays; null if there is none. */
  #earliest(row: number, request: Resources, expectedMs: number | null, before: number): number | null {
    const promises = this.#byRow.get(row) ?? NO_PROMISES;
    if (promises.length >= MOST_PER_WORKER) return null;
    if (promises.some(({ startAt }) => startAt === Number.POSITIVE_INFINITY)) return null;
    const room = this.#roomOf(row);
    const times = [this.#now, ...room.running.map(({ endsAt }) => endsAt), ...promises.map(({ endsAt }) => endsAt)];
    for (const at of [...new Set(times)].sort((a, b) => a - b)) {
      if (at >= before) return null;
      if (!this.#hasRoom(room, promises, at, request)) continue;
      const until = expectedMs === null ? Number.POSITIVE_INFINITY : at + expectedMs;
      const later = promises.filter(({ startAt }) => startAt > at && startAt < until);
      if (later.every(({ startAt }) => this.#hasRoom(room, promises, startAt, request))) return at;
    }
    return null;
  }

  #hasRoom({ free, running }: PromisedRoom, promises: readonly Promised[], at: number, request: Resources): boolean {
    return AMOUNTS.every((name) => {
      if (request[name] === 0) return true;
      let left = free[name];
      for (const one of running) if (one.endsAt <= at) left += one.request[name];
      for (const one of promises) if (one.startAt <= at && at < one.endsAt) left -= one.request[name];
      return left >= request[name];
    });
  }
}

const AMOUNTS = ['cpuMillis', 'memoryBytes', 'storageBytes', 'gpuMillis'] as const;
const NO_PROMISES: readonly Promised[] = [];

/** Promises in a pass: enough to say when the next ones start. Under `easy` it is one, by definition. */
const MOST_PROMISES = 128;

export function mostPromises(backfill: Backfill | undefined): number {
  switch (backfill) {
    case 'easy':
      return 1;
    case 'conservative':
      return MOST_PROMISES;
    case 'greedy':
    case 'strict':
    case undefined:
      return 0;
  }
}
