/**
 * submit → admit: a call is taken whole or refused whole. What is admitted waits: `pending` for a parent or a time,
 * otherwise `queued` for room.
 */
import { type NewTask, type Rejection, type RejectionCode, type Reply, reject, type SubmitTasks } from '../command.ts';
import { Ledger } from '../model/ledger.ts';
import { specProblem } from '../model/spec.ts';
import { isTerminal, type Task, type TaskId, type TaskState } from '../model/task.ts';
import type { IdempotencyRecord } from '../model/tenancy.ts';
import { obstacles } from '../policy/feasibility.ts';
import type { Step } from '../step.ts';
import { createTask, taskEvent } from '../transitions.ts';
import { pendingMessage } from './eligible.ts';

/** Keeps one call from holding up everybody else's; larger sets come in several calls. */
export const MAX_TASKS_PER_CALL = 10_000;

const TASK_ID = /^[a-z0-9-]{1,64}$/;

export function submitTasks(step: Step, command: SubmitTasks): Reply {
  const { state } = step;
  const replay = replayed(step, command);
  if (replay !== null) return replay;
  const refusal = admissionProblem(step, command);
  if (refusal !== null) return refusal;

  for (const task of command.tasks) {
    const sequence = state.cluster.taskSequence + 1;
    step.setCluster({ taskSequence: sequence });
    createTask(step, newRow(step, command, task, sequence));
  }
  for (const { id } of command.tasks) {
    const task = state.tasks.get(id)!;
    taskEvent(step, 'task_submitted', task, { by: command.owner, message: task.message });
  }
  const taskIds = command.tasks.map((task) => task.id);
  const jobId = command.job?.id ?? null;
  if (command.job !== null) {
    const { namespace, owner } = command;
    const { id, name } = command.job;
    step.keep({ kind: 'job', row: { id, namespace, owner, name, size: taskIds.length, submittedAt: step.now } });
  }
  if (command.idempotency !== null) {
    const expiresAt = step.now + state.config.idempotencyMs;
    remember(step, { namespace: command.namespace, ...command.idempotency, taskIds, jobId, expiresAt });
  }
  return { ok: true, kind: 'submitted', taskIds, jobId, replayed: false };
}

/** Why the call would be refused; only reads. */
export function admissionProblem(step: Step, command: SubmitTasks): Rejection | null {
  return callProblem(step, command) ?? firstTaskProblem(step, command) ?? cycleProblem(command.tasks);
}

/** The task as it begins; only reads. */
export function newRow(step: Step, command: SubmitTasks, { id, name, spec, retryOf }: NewTask, sequence: number): Task {
  const waitsFor = spec.dependsOn.filter((parent) => outcomeOf(step, command, parent) !== 'completed');
  const eligibleAt = spec.startAfter !== null && spec.startAfter > step.now ? spec.startAfter : null;
  const waits = waitsFor.length > 0 || eligibleAt !== null;
  return {
    id,
    namespace: command.namespace,
    owner: command.owner,
    name,
    jobId: command.job?.id ?? null,
    retryOf,
    spec: step.state.specs.share(spec),
    priority: spec.priority,
    state: waits ? 'pending' : 'queued',
    reason: null,
    message: pendingMessage(waitsFor, eligibleAt),
    exitCode: null,
    submittedAt: step.now,
    sequence,
    eligibleAt,
    waitsFor: waitsFor.length === 0 ? NO_IDS : waitsFor,
    queuedAt: waits ? null : step.now,
    startedAt: null,
    endedAt: null,
    fence: 0,
    userFailures: 0,
    infraFailures: 0,
    suspectWorkers: NO_IDS,
    imageDigest: null,
    cancelRequested: false,
    version: 1,
  };
}

/** Shared by all rows, as a million waiting tasks would otherwise hold two million empty lists. */
const NO_IDS: readonly string[] = Object.freeze([]);

function replayed(step: Step, { namespace, idempotency }: SubmitTasks): Reply | null {
  if (idempotency === null) return null;
  const record = step.state.idempotency.get(namespace, idempotency.key);
  if (record === undefined || record.expiresAt <= step.now) return null;
  if (record.bodyHash !== idempotency.bodyHash)
    return reject(
      'idempotency_conflict',
      `The key ${idempotency.key} was used with another request. Use a new key for a new request.`,
    );
  return { ok: true, kind: 'submitted', taskIds: record.taskIds, jobId: record.jobId, replayed: true };
}

function remember(step: Step, record: IdempotencyRecord): void {
  const { idempotency } = step.state;
  idempotency.add(record);
  step.keep({ kind: 'idempotency', row: record });
  while (idempotency.isTooHeavy) forgetKey(step, idempotency.oldest!);
}

/** Drops keys whose time is over, at most `limit` of them. */
export function expireIdempotency(step: Step, limit: number): void {
  for (let n = 0; n < limit; n++) {
    const { oldest } = step.state.idempotency;
    if (oldest === undefined || oldest.expiresAt > step.now) return;
    forgetKey(step, oldest);
  }
}

function forgetKey(step: Step, { namespace, key }: IdempotencyRecord): void {
  step.state.idempotency.delete({ namespace, key });
  step.keep({ kind: 'idempotencyExpired', namespace, key });
}

function callProblem(step: Step, { namespace, tasks }: SubmitTasks): Rejection | null {
  const { state } = step;
  if (!state.namespaces.has(namespace)) return reject('namespace_unknown', `Namespace ${namespace} does not exist.`);
  if (tasks.length === 0) return reject('invalid_argument', 'The call names no task.');
  if (tasks.length > MAX_TASKS_PER_CALL)
    return reject(
      'invalid_argument',
      `The call has ${tasks.length} tasks; at most ${MAX_TASKS_PER_CALL} are taken at once. Split it.`,
    );
  const { maxWaitingTasks } = state.config;
  if (state.waiting + tasks.length > maxWaitingTasks)
    return reject(
      'queue_full',
      `${state.waiting} tasks wait and ${tasks.length} were to join them; at most ${maxWaitingTasks} may wait. Try again later.`,
    );
  return null;
}

function firstTaskProblem(step: Step, command: SubmitTasks): Rejection | null {
  const ids = new Set<TaskId>();
  for (const { id } of command.tasks) ids.add(id);
  if (ids.size < command.tasks.length) return reject('task_exists', 'The call names a task id twice.');
  for (const [taskIndex, task] of command.tasks.entries()) {
    const problem = taskProblem(step, command, task, ids);
    if (problem !== null) return { ...problem, taskIndex };
  }
  return null;
}

function taskProblem(step: Step, command: SubmitTasks, task: NewTask, ids: ReadonlySet<TaskId>): Rejection | null {
  if (!TASK_ID.test(task.id)) return reject('invalid_argument', `Task id ${JSON.stringify(task.id)} is not allowed.`);
  if (step.state.tasks.has(task.id)) return reject('task_exists', `Task ${task.id} exists.`);
  const problem = specProblem(task.spec);
  if (problem !== null) return reject('invalid_argument', problem);
  return parentProblem(step, command, task, ids) ?? targetProblem(step, command, task);
}

function parentProblem(step: Step, command: SubmitTasks, task: NewTask, ids: ReadonlySet<TaskId>): Rejection | null {
  for (const parent of task.spec.dependsOn) {
    if (ids.has(parent)) continue;
    const outcome = outcomeOf(step, command, parent);
    if (outcome === null)
      return reject('dependency_unknown', `Task ${parent}, which is to complete first, does not exist.`);
    if (isTerminal(outcome) && outcome !== 'completed')
      return reject('dependency_failed', `Task ${parent}, which is to complete first, ended as ${outcome}.`);
  }
  return null;
}

/** Where a parent stands, or null when nobody of this namespace knows it. */
function outcomeOf(step: Step, command: SubmitTasks, parent: TaskId): TaskState | null {
  const known = step.state.tasks.get(parent);
  if (known !== undefined) return known.namespace === command.namespace ? known.state : null;
  return Object.hasOwn(command.knownOutcomes, parent) ? command.knownOutcomes[parent]! : null;
}

/**
 * A task for one worker is refused when that worker has no room now: who names a worker wants it there and then.
 * One that can not start yet is only held against the size of the worker.
 */
function targetProblem(step: Step, command: SubmitTasks, { spec }: NewTask): Rejection | null {
  const id = spec.targetWorker;
  if (id === null) return null;
  const entry = step.state.workers.get(id);
  if (entry === undefined || entry.worker.state === 'revoked')
    return reject('worker_unknown', `Worker ${id} not found`);
  const { worker, ledger } = entry;
  if (worker.state !== 'active' || !worker.connected || ledger === null)
    return reject('worker_not_active', `Worker ${id} is not active`);
  const later =
    (spec.startAfter !== null && spec.startAfter > step.now) ||
    spec.dependsOn.some((parent) => outcomeOf(step, command, parent) !== 'completed');
  const room = later ? new Ledger(ledger.capacity) : ledger;
  const [obstacle] = obstacles(spec, worker, room).filter((found) => !later || found.kind === 'insufficient');
  if (obstacle === undefined) return null;
  const code: RejectionCode =
    obstacle.kind === 'insufficient' || obstacle.kind === 'gpu_fragmented'
      ? 'insufficient_resources'
      : obstacle.kind === 'label_mismatch'
        ? 'invalid_argument'
        : 'worker_not_active';
  return reject(code, obstacle.message);
}

/** Takes away tasks whose parents are all taken away, until none is left or the rest is a circle. */
function cycleProblem(tasks: readonly NewTask[]): Rejection | null {
  const parents = new Map<TaskId, number>();
  const children = new Map<TaskId, TaskId[]>();
  for (const { id } of tasks) {
    parents.set(id, 0);
    children.set(id, []);
  }
  for (const { id, spec } of tasks) {
    for (const parent of spec.dependsOn) {
      const list = children.get(parent);
      if (list === undefined) continue;
      list.push(id);
      parents.set(id, parents.get(id)! + 1);
    }
  }
  const free = tasks.map((task) => task.id).filter((id) => parents.get(id) === 0);
  let taken = 0;
  for (let id = free.pop(); id !== undefined; id = free.pop()) {
    taken += 1;
    for (const child of children.get(id)!) {
      const left = parents.get(child)! - 1;
      parents.set(child, left);
      if (left === 0) free.push(child);
    }
  }
  if (taken === tasks.length) return null;
  const taskIndex = tasks.findIndex((task) => parents.get(task.id)! > 0);
  return {
    ...reject('dependency_cycle', `Task ${tasks[taskIndex]!.id} waits for itself through its dependencies.`),
    taskIndex,
  };
}
