/**
 * The wall clock went back while no master ran: what was to happen a while after something that now lies in the future
 * keeps its while, counted from now. Times that a user gave (`startAfter`, the expiry of a token) mean the wall clock
 * and stay as they are.
 */
import type { Task } from '../model/task.ts';
import type { Step } from '../step.ts';
import { changeTask, changeWorker } from '../transitions.ts';

export function mendTimes(step: Step): void {
  for (const task of step.state.tasks.values()) mendTask(step, task);
  for (const { worker } of step.state.known()) {
    const { drain } = worker;
    if (drain === null || drain.since <= step.now) continue;
    const deadlineAt = drain.deadlineAt === null ? null : step.now + Math.max(0, drain.deadlineAt - drain.since);
    changeWorker(step, worker.id, { drain: { ...drain, since: step.now, deadlineAt } });
  }
}

function mendTask(step: Step, task: Task): void {
  const { now, state } = step;
  // The queue time-out counts from there; of a long queue without one nothing has to be written.
  if (task.state === 'queued' && task.spec.queueTimeoutMs !== null && task.queuedAt !== null && task.queuedAt > now)
    changeTask(step, task.id, { queuedAt: now });
  if (task.state !== 'pending' || task.eligibleAt === null) return;
  // The back-off of a retry began when the attempt ended.
  const from = state.newestAttempt(task.id)?.endedAt ?? null;
  if (from !== null && from > now) changeTask(step, task.id, { eligibleAt: now + (task.eligibleAt - from) });
}
