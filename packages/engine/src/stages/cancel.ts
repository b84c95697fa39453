/** Cancel: at once where nothing runs, otherwise when the worker has stopped it. */
import { type Command, type Reply, reject } from '../command.ts';
import { isTerminal, isWaiting } from '../model/task.ts';
import type { Step } from '../step.ts';
import { changeTask, taskEvent } from '../transitions.ts';
import { requestStop } from './dispatch.ts';
import { endTask } from './release.ts';

type CancelTask = Extract<Command, { kind: 'cancelTask' }>;

export function cancelTask(step: Step, command: CancelTask): Reply {
  const task = step.state.tasks.get(command.taskId);
  if (task === undefined) return reject('task_unknown', `Task ${command.taskId} does not exist.`);
  if (isTerminal(task.state) || task.cancelRequested) return { ok: true, kind: 'cancelled', changed: false };
  const message = command.message ?? `Cancelled by ${command.by}.`;
  const end = { state: 'cancelled', reason: 'cancelled_by_user', message, by: command.by } as const;
  if (isWaiting(task.state)) {
    endTask(step, task.id, end);
    return { ok: true, kind: 'cancelled', changed: true };
  }
  const attempt = step.state.liveAttempt(task.id)!;
  const about = { attempt: attempt.number, workerId: attempt.workerId, by: command.by, message };
  taskEvent(step, 'task_cancel_requested', changeTask(step, task.id, { cancelRequested: true, message }), about);
  requestStop(step, attempt, 'cancelled_by_user', command.by);
  // Nobody can be asked to stop it now. The user need not wait for that; the attempt holds its reservation until the
  // worker has stopped it on its return, or is given up.
  if (!step.state.workers.get(attempt.workerId)!.worker.connected)
    endTask(step, task.id, end, step.state.liveAttempt(task.id)!);
  return { ok: true, kind: 'cancelled', changed: true };
}
