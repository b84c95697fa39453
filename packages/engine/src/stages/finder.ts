import type { WaitingClass } from './queue.ts';

/** Finds a worker for one task after the other, as a policy wants it, on the scratch cluster as it stands. */
export interface Finder {
  /** The row of the policy's choice for one task of the class, or -1 if it fits nowhere. */
  find(group: WaitingClass): number;
  /** Has to be told of every placement. */
  placed(row: number): void;
  /** The policy's name and what decided, before the placement. */
  describe(group: WaitingClass, row: number): string;
  /** The worker chosen last, for policies that go on from there; null if this one does not or chose none. */
  readonly cursor: string | null;
}
