/** commit → dispatch: what the worker is asked to do. Only a connected worker is asked; the others are at their hello. */
import type { Attempt } from '../model/attempt.ts';
import type { EndReason } from '../model/task.ts';
import type { Step } from '../step.ts';
import { changeAttempt, taskEvent } from '../transitions.ts';

export function startOnWorker(step: Step, attempt: Attempt): void {
  const { worker } = step.state.workers.get(attempt.workerId)!;
  if (!worker.connected) return;
  const task = step.state.tasks.get(attempt.taskId)!;
  step.effects.push({
    kind: 'startAttempt',
    workerId: worker.id,
    session: worker.session,
    taskId: task.id,
    attempt: attempt.number,
    namespace: task.namespace,
    owner: task.owner,
    name: task.name,
    spec: task.spec,
    reserved: attempt.reserved,
    gpus: attempt.gpus,
    imageDigest: task.imageDigest,
  });
}

export function stopOnWorker(step: Step, attempt: Attempt, reason: EndReason): void {
  const { worker } = step.state.workers.get(attempt.workerId)!;
  if (!worker.connected) return;
  const graceMs = step.state.tasks.get(attempt.taskId)!.spec.stopGraceMs;
  const { taskId, number } = attempt;
  step.effects.push({
    kind: 'stopAttempt',
    workerId: worker.id,
    session: worker.session,
    taskId,
    attempt: number,
    reason,
    graceMs,
  });
}

/**
 * Wants a live attempt to end for `reason`. It keeps its reservation until the worker says that the process is dead.
 * A silent worker's attempt stays unknown and is stopped when the worker answers again.
 */
export function requestStop(step: Step, attempt: Attempt, reason: EndReason, by: string | null): void {
  // The first reason stands, but a user's cancel beats all others: nothing is to follow it.
  const stopReason = attempt.stopReason === null || reason === 'cancelled_by_user' ? reason : attempt.stopReason;
  const moves = attempt.state === 'assigned' || attempt.state === 'starting' || attempt.state === 'running';
  const stopped = changeAttempt(step, attempt, {
    state: moves ? 'stopping' : attempt.state,
    stopReason,
    expiresAt: null,
  });
  stopOnWorker(step, stopped, stopReason);
  if (!moves) return;
  const task = step.state.tasks.get(attempt.taskId)!;
  taskEvent(step, 'task_stopping', task, {
    attempt: attempt.number,
    workerId: attempt.workerId,
    by,
    message: stopReason,
  });
}
