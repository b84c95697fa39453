/**
 * run → report: the worker's word about an attempt. Only the session in force and the newest attempt are obeyed;
 * everything else is answered so that the worker can forget it, noted, and changes no outcome.
 */
import { type Rejection, type Reply, type ReportAttempt, reject } from '../command.ts';
import { type Attempt, type AttemptResult, isLive } from '../model/attempt.ts';
import type { EndReason, Task } from '../model/task.ts';
import { isTerminal } from '../model/task.ts';
import type { WorkerEntry } from '../state.ts';
import type { Step } from '../step.ts';
import { changeAttempt, changeTask, taskEvent } from '../transitions.ts';
import { stopOnWorker } from './dispatch.ts';
import { endTask, finishAttempt } from './release.ts';
import { hearFrom } from './sessions.ts';

export function reportAttempt(step: Step, command: ReportAttempt): Reply {
  const entry = step.state.workers.get(command.workerId);
  if (entry === undefined) return reject('worker_unknown', `Worker ${command.workerId} not found`);
  const fence = fenced(entry, command.session);
  if (fence !== null) return fence;
  hearFrom(step, entry);
  const attempt = step.state.attempt(command.taskId, command.attempt);
  if (attempt === undefined || attempt.workerId !== command.workerId) return reported(false);
  if (!isLive(attempt.state)) return late(step, attempt, command.report);
  const task = step.state.tasks.get(attempt.taskId)!;
  switch (command.report.phase) {
    case 'starting':
      return starting(step, task, attempt, command.report.progress);
    case 'running':
      return running(step, task, attempt, command.report);
    case 'ended':
      return ended(step, task, attempt, command.report.reason, command.report.result);
  }
}

/** A session that is over may say nothing: its worker connects again and says it then. */
export function fenced(entry: WorkerEntry, session: number): Rejection | null {
  const { worker } = entry;
  if (worker.connected && worker.session === session) return null;
  const now = worker.connected ? `its session is ${worker.session}` : 'it is not connected';
  return reject('fenced', `Session ${session} of worker ${worker.id} is over: ${now}. Connect again.`);
}

function reported(accepted: boolean): Reply {
  return { ok: true, kind: 'reported', accepted };
}

/** The attempt was given up before. Its own end is kept for whoever looks, the first time it is told. */
function late(step: Step, attempt: Attempt, report: ReportAttempt['report']): Reply {
  if (report.phase !== 'ended') {
    stopOnWorker(step, attempt, 'superseded');
    return reported(false);
  }
  const givenUp = attempt.state === 'lost' || attempt.state === 'superseded';
  if (!givenUp || attempt.result !== null) return reported(false);
  changeAttempt(step, attempt, { state: 'superseded', result: report.result });
  taskEvent(step, 'late_result', step.state.tasks.get(attempt.taskId)!, {
    attempt: attempt.number,
    workerId: attempt.workerId,
    message: `Ended (${report.reason}) after it had been given up; the outcome stays as it is.`,
  });
  return reported(false);
}

function starting(step: Step, task: Task, attempt: Attempt, progress: string | null): Reply {
  if (attempt.state === 'assigned') confirm(step, task, attempt, progress);
  else if (attempt.state === 'starting' && attempt.progress !== progress) changeAttempt(step, attempt, { progress });
  return reported(true);
}

/** The worker has it: the reservation no longer expires. */
export function confirm(step: Step, task: Task, attempt: Attempt, progress: string | null): Attempt {
  const confirmed = changeAttempt(step, attempt, {
    state: 'starting',
    confirmedAt: step.now,
    expiresAt: null,
    progress,
  });
  taskEvent(step, 'task_starting', task, { attempt: attempt.number, workerId: attempt.workerId, message: progress });
  return confirmed;
}

interface RunningReport {
  readonly startedAt: number;
  readonly containerId: string | null;
  readonly imageDigest: string | null;
}

function running(step: Step, task: Task, attempt: Attempt, report: RunningReport): Reply {
  if (attempt.startedAt === null || attempt.containerId === null) nowRunning(step, task, attempt, report);
  return reported(true);
}

/** Its process runs; a stop that was asked for meanwhile still stands. */
export function nowRunning(step: Step, task: Task, attempt: Attempt, report: RunningReport): Attempt {
  // The worker's clock may be off: the start lies between the assignment and now.
  const startedAt = attempt.startedAt ?? Math.min(Math.max(report.startedAt, attempt.assignedAt), step.now);
  const imageDigest = report.imageDigest ?? attempt.imageDigest;
  const after = changeAttempt(step, attempt, {
    state: attempt.state === 'stopping' || attempt.stopReason !== null ? attempt.state : 'running',
    confirmedAt: attempt.confirmedAt ?? step.now,
    expiresAt: null,
    startedAt,
    progress: null,
    containerId: report.containerId ?? attempt.containerId,
    imageDigest,
  });
  if (isTerminal(task.state)) return after;
  const first = task.state !== 'running';
  const row = changeTask(step, task.id, {
    state: 'running',
    startedAt,
    imageDigest: task.imageDigest ?? imageDigest,
  });
  if (first) taskEvent(step, 'task_running', row, { attempt: attempt.number, workerId: attempt.workerId });
  return after;
}

function ended(step: Step, task: Task, attempt: Attempt, said: EndReason, result: AttemptResult): Reply {
  if (said === 'stuck') return stuck(step, task, attempt, result);
  const reason = believed(attempt, said, result);
  finishAttempt(step, attempt, { reason, result, message: result.message, suspect: null });
  return reported(true);
}

/** Reasons that a worker can know. The others are the master's to give. */
const WORKERS_WORD: ReadonlySet<EndReason> = new Set([
  'exit_zero',
  'exit_nonzero',
  'oom',
  'timeout',
  'image_error',
  'command_error',
  'storage_limit',
  'log_limit',
  'output_error',
  'external',
  'daemon_restart',
  'start_error',
  'evicted',
]);

/** A stop for a reason that nobody gave is somebody else's doing, and a failing exit is no success. */
function believed(attempt: Attempt, said: EndReason, result: AttemptResult): EndReason {
  if (said === attempt.stopReason) return said;
  if (said === 'exit_zero' && result.exitCode !== null && result.exitCode !== 0) return 'exit_nonzero';
  return WORKERS_WORD.has(said) ? said : 'external';
}

/**
 * The process can not be killed. The task fails now; the attempt keeps its reservation until the worker says that the
 * process is gone, or comes back without it, because a slot is never given twice.
 */
function stuck(step: Step, task: Task, attempt: Attempt, result: AttemptResult): Reply {
  if (attempt.stopReason === 'stuck') return reported(true);
  changeAttempt(step, attempt, {
    state: attempt.state === 'unknown' ? 'unknown' : 'stopping',
    stopReason: 'stuck',
    expiresAt: null,
    result,
  });
  const message = result.message ?? 'Its process can not be killed.';
  if (!isTerminal(task.state))
    endTask(step, task.id, { state: 'failed', reason: 'stuck', message, exitCode: result.exitCode }, attempt);
  return reported(true);
}
