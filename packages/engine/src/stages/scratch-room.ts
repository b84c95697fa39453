import type { Ledger } from '../model/ledger.ts';
import type { Resources } from '../model/resources.ts';
import type { Worker } from '../model/worker.ts';
import { takesWork } from '../policy/feasibility.ts';
import type { WorkerRoom } from '../policy/policy.ts';
import type { WaitingClass } from './queue.ts';

/** A worker during the pass; its ledger is copied when something is placed on it for the first time. */
export class ScratchRoom implements WorkerRoom {
  readonly worker: Worker;
  /** Place in the order of ids, which breaks ties. */
  readonly rank: number;
  ledger: Ledger;
  /** +1 with every placement: scores from before are stale. */
  stamp = 0;

  constructor(room: WorkerRoom, rank: number) {
    this.worker = room.worker;
    this.ledger = room.ledger;
    this.rank = rank;
  }

  reserve(request: Resources): void {
    if (this.stamp === 0) this.ledger = this.ledger.clone();
    this.ledger.reserve(request);
    this.stamp++;
  }
}

/** Those that take work, in the order of ids. */
export function scratchRooms(workers: readonly WorkerRoom[]): ScratchRoom[] {
  const taking = workers.filter((room) => takesWork(room.worker));
  // The engine keeps them sorted as a rule, and sorting what is sorted takes one look at each.
  taking.sort((a, b) => (a.worker.id < b.worker.id ? -1 : a.worker.id > b.worker.id ? 1 : 0));
  return taking.map((room, rank) => new ScratchRoom(room, rank));
}

/** Finds a worker for one task after the other, as a policy wants it. */
export interface Finder {
  /** The policy's choice for one task of the class, or null if it fits nowhere. */
  find(group: WaitingClass): ScratchRoom | null;
  /** Has to be told of every placement. */
  placed(room: ScratchRoom): void;
  describe(group: WaitingClass, room: ScratchRoom): string;
  /** The worker chosen last, for policies that go on from there; otherwise null. */
  readonly cursor: string | null;
}
