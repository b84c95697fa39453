/**
 * Which state may follow which, and the only functions that write rows of tasks, attempts and workers. A step that
 * is not in a table is a bug and throws. `docs/architecture.md` draws the same tables.
 */
import type { EventKind } from './change.ts';
import type { Attempt, AttemptState } from './model/attempt.ts';
import type { Task, TaskId, TaskState } from './model/task.ts';
import type { Worker, WorkerState } from './model/worker.ts';
import type { EventSubject, Step } from './step.ts';

/**
 * pending    → queued when parents completed and the time has come; ended without ever having run
 * queued     → assigned by a plan; ended without ever having run
 * assigned   → running; back to pending or queued when the attempt failed and may be repeated; ended, also straight
 *              to completed when the report of a short run overtakes that of its start
 * running    → ended; back to pending or queued for the next attempt
 */
export const TASK_MOVES: Readonly<Record<TaskState, readonly TaskState[]>> = {
  pending: ['queued', 'failed', 'cancelled'],
  queued: ['assigned', 'failed', 'cancelled'],
  assigned: ['running', 'pending', 'queued', 'completed', 'failed', 'cancelled'],
  running: ['pending', 'queued', 'completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: [],
};

/**
 * assigned   → starting or running by the worker's word; superseded when the word does not come in time
 * starting   → assigned when the worker comes back without it: it is asked, and has to confirm, once more
 * starting, running, stopping → unknown while the worker is silent, and back
 * → cancelled only by way of stopping: an attempt that nobody stopped was not cancelled
 * lost       → superseded when its end is reported after all: the outcome was decided without it
 */
export const ATTEMPT_MOVES: Readonly<Record<AttemptState, readonly AttemptState[]>> = {
  assigned: ['starting', 'running', 'stopping', 'succeeded', 'failed', 'lost', 'superseded'],
  starting: ['assigned', 'running', 'stopping', 'unknown', 'succeeded', 'failed', 'lost'],
  running: ['stopping', 'unknown', 'succeeded', 'failed', 'lost'],
  stopping: ['unknown', 'succeeded', 'failed', 'cancelled', 'lost'],
  unknown: ['starting', 'running', 'stopping', 'succeeded', 'failed', 'cancelled', 'lost'],
  lost: ['superseded'],
  succeeded: [],
  failed: [],
  cancelled: [],
  superseded: [],
};

/** registered → active by its first hello; silence makes it suspect, then lost; any hello makes it active again. */
export const WORKER_MOVES: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  registered: ['active', 'revoked'],
  active: ['suspect', 'lost', 'revoked'],
  suspect: ['active', 'lost', 'revoked'],
  lost: ['active', 'revoked'],
  revoked: ['registered'],
};

export function createTask(step: Step, row: Task): void {
  if (step.state.tasks.has(row.id)) throw new Error(`task ${row.id} exists already`);
  step.state.putTask(row);
  step.keepTask(row, true);
}

export function changeTask(step: Step, id: TaskId, patch: Partial<Omit<Task, 'id' | 'version'>>): Task {
  const before = step.state.tasks.get(id);
  if (before === undefined) throw new Error(`task ${id} is not known`);
  if (patch.state !== undefined) checkMove(TASK_MOVES, before.state, patch.state, `task ${id}`);
  const version = step.touched(id) ? before.version : before.version + 1;
  const after: Task = { ...before, ...patch, version };
  step.state.putTask(after);
  step.keepTask(after, false);
  return after;
}

/** `row` was reserved on its worker's ledger just now. */
export function createAttempt(step: Step, row: Attempt, namespace: string): void {
  if (row.state !== 'assigned') throw new Error(`attempt ${row.number} of task ${row.taskId} begins as ${row.state}`);
  step.state.putAttempt(row, namespace, true);
  step.keepAttempt(row);
}

export function changeAttempt(
  step: Step,
  before: Attempt,
  patch: Partial<Omit<Attempt, 'taskId' | 'number'>>,
): Attempt {
  const task = step.state.tasks.get(before.taskId);
  const name = `attempt ${before.number} of task ${before.taskId}`;
  if (task === undefined || step.state.attempt(before.taskId, before.number) !== before)
    throw new Error(`${name} is not as it was read`);
  if (patch.state !== undefined) checkMove(ATTEMPT_MOVES, before.state, patch.state, name);
  const after: Attempt = { ...before, ...patch };
  step.state.putAttempt(after, task.namespace);
  step.keepAttempt(after);
  return after;
}

export function createWorker(step: Step, row: Worker): void {
  if (step.state.workers.has(row.id)) throw new Error(`worker ${row.id} exists already`);
  step.state.putWorker(row);
  step.keepWorker(row.id, row);
}

export function changeWorker(step: Step, id: string, patch: Partial<Omit<Worker, 'id'>>): Worker {
  const entry = step.state.workers.get(id);
  if (entry === undefined) throw new Error(`worker ${id} is not known`);
  if (patch.state !== undefined) checkMove(WORKER_MOVES, entry.worker.state, patch.state, `worker ${id}`);
  const after: Worker = { ...entry.worker, lastSeenAt: entry.lastSeenAt, ...patch };
  step.state.putWorker(after);
  step.keepWorker(id, after);
  return after;
}

export function removeWorker(step: Step, id: string): void {
  step.state.removeWorker(id);
  step.keepWorker(id, null);
}

/** Notes what happened to a task on its timeline. */
export function taskEvent(step: Step, kind: EventKind, task: Task, about: EventSubject = {}): void {
  step.event(kind, { namespace: task.namespace, taskId: task.id, ...about });
}

function checkMove<S extends string>(moves: Readonly<Record<S, readonly S[]>>, from: S, to: S, name: string): void {
  if (from !== to && !moves[from].includes(to)) throw new Error(`${name} can not go from ${from} to ${to}`);
}
