/** pending → queued: its parents have completed, its start time or the back-off of its last attempt has passed. */
import type { Task, TaskId } from '../model/task.ts';
import type { Step } from '../step.ts';
import { changeTask, taskEvent } from '../transitions.ts';

/** Until a schedule pass has looked at it and knows better. */
export const QUEUED_MESSAGE = 'Waits for a worker with room.';

export function enqueue(step: Step, task: Task): void {
  const queued = changeTask(step, task.id, {
    state: 'queued',
    queuedAt: step.now,
    eligibleAt: null,
    message: QUEUED_MESSAGE,
  });
  taskEvent(step, 'task_queued', queued);
}

/** Why a pending task waits. */
export function pendingMessage(waitsFor: readonly TaskId[], eligibleAt: number | null): string {
  if (waitsFor.length === 1) return `Waits for task ${waitsFor[0]} to complete.`;
  if (waitsFor.length > 1) return `Waits for ${waitsFor.length} tasks to complete.`;
  return eligibleAt === null ? QUEUED_MESSAGE : 'Waits for its start time.';
}
