import type { WaitingClass } from './queue.ts';
import type { QueueEntry } from './queue-order.ts';

/** Finds a worker for one task after the other, as a policy wants it, on the scratch cluster as it stands. */
export interface Finder {
  /** The row of the policy's choice for one task of the class, or -1 if it fits nowhere. */
  find(group: WaitingClass, entry: QueueEntry): number;
  /** For a share of one GPU: the place of the device in the worker's list, or -1 for the fullest that has room. */
  device(group: WaitingClass, entry: QueueEntry, row: number): number;
  /** Has to be told of every placement. */
  placed(row: number): void;
  /** The policy's name and what decided, before the placement. */
  describe(group: WaitingClass, entry: QueueEntry, row: number): string;
  /** The worker chosen last, for policies that go on from there; null if this one does not or chose none. */
  readonly cursor: string | null;
}
