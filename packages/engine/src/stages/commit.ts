/**
 * place → commit: whoever made the plan, each assignment is checked against the state as it is now, with the same
 * predicate that ranking used. What passes is reserved at once; what does not is refused alone.
 */
import { type CommitPlan, type Rejection, type Reply, reject } from '../command.ts';
import type { Ledger } from '../model/ledger.ts';
import { fitsIn, type GpuShare } from '../model/resources.ts';
import { isTerminal, isWaiting, type Task, type TaskId } from '../model/task.ts';
import { quotaLeft } from '../model/tenancy.ts';
import { gpuModelsOf } from '../model/terms.ts';
import { fits, obstacles } from '../policy/feasibility.ts';
import type { Step } from '../step.ts';
import { changeTask, createAttempt, taskEvent } from '../transitions.ts';
import { startOnWorker } from './dispatch.ts';
import { answerLease } from './lease.ts';
import { Neighbours, neighboursOf } from './neighbours.ts';
import type { Placement } from './place.ts';

/** As many as a schedule pass of the engine itself may place at most in one go, and some. */
export const MAX_ASSIGNMENTS_PER_PLAN = 100_000;

export function commitPlan(step: Step, { planner, assignments, claim }: CommitPlan): Reply {
  if (assignments.length > MAX_ASSIGNMENTS_PER_PLAN)
    return reject(
      'invalid_argument',
      `The plan has ${assignments.length} assignments; at most ${MAX_ASSIGNMENTS_PER_PLAN} are taken at once.`,
    );
  const fenced = claim === undefined ? null : answerLease(step, claim);
  const refused: { taskId: string; workerId: string; code: Rejection['code']; message: string }[] = [];
  for (const { taskId, workerId } of assignments) {
    const refusal =
      fenced ?? neighbourProblem(step, taskId, workerId) ?? commit(step, { taskId, workerId, placedBy: planner });
    if (refusal !== null) refused.push({ taskId, workerId, code: refusal.code, message: refusal.message });
  }
  return { ok: true, kind: 'planned', committed: assignments.length - refused.length, refused };
}

/** The pass heeds neighbours as it goes; a plan from outside is checked against those that live. */
function neighbourProblem({ state }: Step, taskId: TaskId, workerId: string): Rejection | null {
  const task = state.tasks.get(taskId);
  const entry = state.workers.get(workerId);
  if (task === undefined || entry === undefined || state.terms.mindful.size === 0) return null;
  const workers = state.known().map(({ worker }) => worker);
  const neighbours = new Neighbours(workers, neighboursOf(state));
  const newcomer = { spec: task.spec, class: task };
  if (!neighbours.concerns(newcomer) || neighbours.boundOf(newcomer)(workers.indexOf(entry.worker))) return null;
  return reject('invalid_argument', `Task ${taskId} may not go to worker ${workerId} for the sake of the tasks there.`);
}

/** Reserves and dispatches; a refusal changes nothing. */
export function commit(step: Step, { taskId, workerId, placedBy, gpus }: Placement): Rejection | null {
  const task = step.state.tasks.get(taskId);
  const refusal =
    task === undefined ? reject('task_unknown', `Task ${taskId} does not exist.`) : problem(step, task, workerId);
  if (refusal !== null) return refusal;
  assign(step, task!, workerId, placedBy, gpus ?? null);
  return null;
}

function problem(step: Step, task: Task, workerId: string): Rejection | null {
  if (task.state !== 'queued') return notQueued(task);
  const entry = step.state.workers.get(workerId);
  if (entry === undefined) return reject('worker_unknown', `Worker ${workerId} not found`);
  const { worker, ledger } = entry;
  if (ledger === null || !fits(task.spec, worker, ledger)) {
    const [first] = obstacles(task.spec, worker, ledger);
    const message = first?.message ?? `Worker ${workerId} has not told its capacity`;
    switch (first?.kind) {
      case 'insufficient':
      case 'gpu_fragmented':
        return reject('insufficient_resources', message);
      case 'not_target':
      case 'label_mismatch':
      case 'gpu_model_mismatch':
        return reject('invalid_argument', message);
      default:
        return reject('worker_not_active', message);
    }
  }
  const quota = step.state.quota(task.namespace);
  if (quota !== null && !fitsIn(task.spec.request, quotaLeft(quota, task.spec.request)))
    return reject('quota_exceeded', `The quota of namespace ${task.namespace} has no room for this task now.`);
  return null;
}

function notQueued(task: Task): Rejection {
  if (isTerminal(task.state)) return reject('task_ended', `Task ${task.id} has ended (${task.state}).`);
  const waits = isWaiting(task.state) ? 'is pending and can not start yet' : `is ${task.state} already`;
  return reject('task_not_waiting', `Task ${task.id} ${waits}.`);
}

function assign(step: Step, task: Task, workerId: string, placedBy: string, chosen: readonly GpuShare[] | null): void {
  const { worker, ledger } = step.state.workers.get(workerId)!;
  const number = task.fence + 1;
  const reserved = task.spec.request;
  const gpus = take(ledger!, task, chosen);
  const row = changeTask(step, task.id, { state: 'assigned', fence: number, message: null });
  const attempt = {
    taskId: task.id,
    number,
    workerId,
    session: worker.session,
    state: 'assigned',
    reason: null,
    reserved,
    gpus,
    placedBy,
    assignedAt: step.now,
    expiresAt: step.now + step.state.config.reservationTtlMs,
    confirmedAt: null,
    startedAt: null,
    endedAt: null,
    progress: null,
    containerId: null,
    imageDigest: null,
    stopReason: null,
    result: null,
  } as const;
  createAttempt(step, attempt, task.namespace);
  taskEvent(step, 'task_assigned', row, { attempt: number, workerId, message: placedBy });
  startOnWorker(step, attempt);
}

/** The GPUs that the plan chose, or the best fit where it chose none. */
function take(ledger: Ledger, { spec }: Task, chosen: readonly GpuShare[] | null): readonly GpuShare[] {
  if (chosen === null || spec.request.gpuMillis === 0) return ledger.reserve(spec.request, gpuModelsOf(spec));
  if (!ledger.hasFree(chosen)) throw new Error('the pass chose a GPU that has no room');
  ledger.reserveShares(spec.request, chosen);
  return chosen;
}
