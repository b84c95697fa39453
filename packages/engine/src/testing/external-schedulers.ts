/** What the chaos driver knows of external schedulers. */
import type { Change } from '../change.ts';
import type { Command } from '../command.ts';

/** While an agent holds the lease, nothing is placed but by plans; a plan that claims it is taken from its holder alone. */
export function heldUp(command: Command, changes: readonly Change[], holder: string): void {
  const placed = changes.some((change) => change.kind === 'event' && change.row.kind === 'task_assigned');
  if (!placed || command.kind === 'useScheduler' || command.kind === 'recover') return;
  if (command.kind === 'commitPlan' && (command.claim === undefined || command.claim.agent === holder)) return;
  throw new Error(`${command.kind} placed a task while ${holder} held the lease`);
}

export function agentOf(who: number): string {
  return who % 4 === 0 ? 'second' : 'first';
}
