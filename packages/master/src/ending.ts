/** How a master's process ends. */
import { InvariantBroken } from '@cloudai/engine';
import { StoreError } from '@cloudai/store';

export interface MasterEnd {
  /** 0: it was asked to stop. */
  readonly exitCode: number;
  readonly reason: string;
}

/** As in sysexits.h; supervisors start the master again after 74, and people look after 70 and 78. */
export const EXIT = { stopped: 0, bug: 70, store: 74, superseded: 75, config: 78 } as const;

/** What an error that the master can not go on after means for its supervisor. */
export function endOf(error: unknown): MasterEnd {
  if (error instanceof StoreError && error.code === 'stale_epoch')
    return { exitCode: EXIT.superseded, reason: `another master leads this cluster: ${error.message}` };
  if (error instanceof InvariantBroken) return { exitCode: EXIT.bug, reason: `a broken invariant: ${error.message}` };
  const isStore = error instanceof StoreError || typeof (error as NodeJS.ErrnoException | null)?.code === 'string';
  const text = error instanceof Error ? error.message : String(error);
  return isStore
    ? { exitCode: EXIT.store, reason: `the disk failed: ${text}` }
    : { exitCode: EXIT.bug, reason: `a defect of the master: ${text}` };
}
