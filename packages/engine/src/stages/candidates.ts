/** Which workers a waiting class may go to, their present load aside. */
import type { Ledger } from '../model/ledger.ts';
import type { Worker } from '../model/worker.ts';
import { couldEverFit, suits } from '../policy/feasibility.ts';
import type { WorkerRoom } from '../policy/policy.ts';
import type { WaitingClass } from './queue.ts';
import type { ScratchRoom } from './scratch-room.ts';

/**
 * The workers that a class is tried on, of those given: it has to suit them, and workers to be avoided are left out
 * as long as another one could ever take the task.
 */
export function candidatesOf<R extends WorkerRoom>(group: Candidacy, rooms: readonly R[]): readonly R[] {
  if (group.targetWorker === null && group.avoid.length === 0 && Object.keys(group.selector).length === 0) return rooms;
  const suitable = rooms.filter((room) => suits(group, room.worker));
  if (group.avoid.length === 0) return suitable;
  const others = suitable.filter((room) => !group.avoid.includes(room.worker.id) && couldEverFit(group, room.worker));
  return others.length > 0 ? others : suitable;
}

/** What of a task or of a waiting class decides where it may go. */
export type Candidacy = Pick<WaitingClass, 'request' | 'targetWorker' | 'selector' | 'avoid'>;

/** The same with the namespace, whose quota it counts against. */
export interface Claim extends Candidacy {
  readonly namespace: string;
}

/** A worker in any condition; without a ledger until it has told its capacity. */
export interface KnownWorker {
  readonly worker: Worker;
  readonly ledger: Ledger | null;
}

/** The candidates of each kind of constraint, found once. */
export class CandidateLists {
  readonly #rooms: readonly ScratchRoom[];
  readonly #byWhere = new Map<string, readonly ScratchRoom[]>();
  readonly #byClass = new Map<WaitingClass, readonly ScratchRoom[]>();

  constructor(rooms: readonly ScratchRoom[]) {
    this.#rooms = rooms;
  }

  of(group: WaitingClass): readonly ScratchRoom[] {
    if (group.where === '') return this.#rooms;
    // Who is avoided depends on the request as well, so those classes share nothing.
    return group.avoid.length === 0
      ? this.#found(this.#byWhere, group.where, group)
      : this.#found(this.#byClass, group, group);
  }

  #found<K>(lists: Map<K, readonly ScratchRoom[]>, key: K, group: WaitingClass): readonly ScratchRoom[] {
    const known = lists.get(key);
    if (known !== undefined) return known;
    const found = candidatesOf(group, this.#rooms);
    lists.set(key, found);
    return found;
  }
}
