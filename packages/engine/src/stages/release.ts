/**
 * Ends: an attempt gives its reservation back, its task is settled, tasks that waited for it are told. Each happens
 * once; what comes later finds the row ended and changes nothing.
 */
import type { Attempt, AttemptResult, EndedAttemptState } from '../model/attempt.ts';
import { type EndReason, isTerminal, type Task, type TaskId, type TerminalTaskState } from '../model/task.ts';
import { isGangMember } from '../model/terms.ts';
import { fairShare } from '../policy/orders/fair-share.ts';
import type { Step } from '../step.ts';
import { changeAttempt, changeTask, taskEvent } from '../transitions.ts';
import { orderingOf } from './active-policies.ts';
import { requestStop } from './dispatch.ts';
import { enqueue, pendingMessage } from './eligible.ts';
import { isInfrastructure, isPreemption, judge } from './retry.ts';
import { chargeUsage } from './usage.ts';

export interface AttemptEnd {
  readonly reason: EndReason;
  readonly result: AttemptResult | null;
  /** One sentence about what happened, for the timeline and the task. */
  readonly message: string | null;
  /** The worker, if it was lost right after this task began there. */
  readonly suspect: string | null;
}

/** The end of a live attempt, and what follows for its task. */
export function finishAttempt(step: Step, attempt: Attempt, end: AttemptEnd): void {
  changeAttempt(step, attempt, {
    state: endedState(end.reason),
    reason: end.reason,
    endedAt: step.now,
    expiresAt: null,
    progress: null,
    result: end.result ?? attempt.result,
  });
  const task = step.state.tasks.get(attempt.taskId)!;
  if (orderingOf(step.state) === fairShare) chargeUsage(step, task.owner, attempt);
  const about = { attempt: attempt.number, workerId: attempt.workerId, message: end.message };
  if (end.reason === 'withdrawn') taskEvent(step, 'attempt_superseded', task, about);
  else if (isInfrastructure(end.reason)) taskEvent(step, 'attempt_lost', task, about);
  // Cancelled while its worker was out of reach, or failed as stuck: the outcome stands already.
  if (!isTerminal(task.state)) settle(step, task, attempt, end);
}

function endedState(reason: EndReason): EndedAttemptState {
  if (reason === 'exit_zero') return 'succeeded';
  if (reason === 'cancelled_by_user') return 'cancelled';
  if (reason === 'withdrawn') return 'superseded';
  return isInfrastructure(reason) || isPreemption(reason) ? 'lost' : 'failed';
}

function settle(step: Step, task: Task, attempt: Attempt, end: AttemptEnd): void {
  const exitCode = end.result?.exitCode ?? null;
  const { verdict, ...counts } = judge(task, end.reason, exitCode, end.suspect, step.state.config);
  if (verdict.kind === 'end') {
    endTask(
      step,
      task.id,
      {
        ...counts,
        state: verdict.state,
        reason: verdict.reason,
        // A cancelled task goes on saying who cancelled it.
        message: verdict.state === 'cancelled' ? task.message : messageOf(verdict.reason, end, exitCode),
        exitCode,
      },
      attempt,
    );
    return;
  }
  const message = `Attempt ${attempt.number} on ${attempt.workerId} ended (${end.reason})${verdict.delayMs === 0 ? '' : `; next try in ${seconds(verdict.delayMs)}`}.`;
  const waits = verdict.delayMs > 0;
  const next = changeTask(step, task.id, {
    ...counts,
    state: waits ? 'pending' : 'queued',
    eligibleAt: waits ? step.now + verdict.delayMs : null,
    queuedAt: waits ? null : step.now,
    startedAt: null,
    message,
  });
  taskEvent(step, 'task_retrying', next, { attempt: attempt.number, workerId: attempt.workerId, message });
  if (isGangMember(task.spec)) callBack(step, next);
}

/** One of a gang starts again: so do the others, together with it. */
function callBack(step: Step, { id, jobId }: Task): void {
  for (const other of [...(step.state.terms.gangs.get(jobId ?? '') ?? [])].sort()) {
    const attempt = step.state.liveAttempt(other);
    if (other === id || attempt === undefined || attempt.stopReason !== null) continue;
    const message = `Task ${id} of its gang starts again, and all of it together.`;
    const task = changeTask(step, other, { message });
    taskEvent(step, 'task_preempted', task, { attempt: attempt.number, workerId: attempt.workerId, message });
    requestStop(step, attempt, 'preempted', null);
  }
}

export interface TaskEnd {
  readonly state: TerminalTaskState;
  readonly reason: EndReason;
  readonly message: string | null;
  readonly exitCode?: number | null;
  readonly by?: string | null;
  readonly userFailures?: number;
  readonly infraFailures?: number;
  readonly suspectWorkers?: readonly string[];
}

/** The end of a task. Completing lets its children go on; any other end fails them, and theirs in turn. */
export function endTask(step: Step, id: TaskId, end: TaskEnd, attempt: Attempt | null = null): void {
  const { by, ...patch } = end;
  const task = changeTask(step, id, { ...patch, endedAt: step.now, eligibleAt: null, waitsFor: NO_PARENTS });
  taskEvent(step, `task_${end.state}`, task, {
    attempt: attempt?.number ?? null,
    workerId: attempt?.workerId ?? null,
    by: by ?? null,
    message: end.message ?? end.reason,
  });
  // A list instead of recursion: a chain of tasks may be longer than the stack is deep.
  const ended = [task];
  for (let parent = ended.pop(); parent !== undefined; parent = ended.pop())
    for (const childId of childrenOf(step, parent.id)) {
      if (parent.state === 'completed') releaseChild(step, childId, parent.id);
      else ended.push(failChild(step, childId, parent));
    }
}

/** In the order of submission, which a reload keeps. */
function childrenOf(step: Step, parent: TaskId): TaskId[] {
  const children = step.state.children.get(parent);
  if (children === undefined) return [];
  const { tasks } = step.state;
  return [...children].sort((a, b) => tasks.get(a)!.sequence - tasks.get(b)!.sequence);
}

function releaseChild(step: Step, id: TaskId, parent: TaskId): void {
  const left = step.state.tasks.get(id)!.waitsFor.filter((other) => other !== parent);
  const child = changeTask(step, id, {
    waitsFor: left,
    message: pendingMessage(left, step.state.tasks.get(id)!.eligibleAt),
  });
  if (left.length === 0 && (child.eligibleAt === null || child.eligibleAt <= step.now)) enqueue(step, child);
}

function failChild(step: Step, id: TaskId, parent: Task): Task {
  const message = `Task ${parent.id}, which it depends on, ended as ${parent.state}.`;
  const child = changeTask(step, id, {
    state: 'failed',
    reason: 'dependency_failed',
    message,
    endedAt: step.now,
    eligibleAt: null,
    waitsFor: NO_PARENTS,
  });
  taskEvent(step, 'task_failed', child, { message });
  return child;
}

const NO_PARENTS: readonly TaskId[] = [];

/** Why it ended, in the worker's words where it had some. */
function messageOf(reason: EndReason, end: AttemptEnd, exitCode: number | null): string | null {
  if (reason === 'poison') return SENTENCES.poison!;
  if (reason === 'exit_nonzero') return end.message ?? `Exit code ${exitCode ?? 'unknown'}.`;
  return end.message ?? SENTENCES[reason] ?? null;
}

const SENTENCES: Partial<Record<EndReason, string>> = {
  oom: 'It used more memory than it had asked for.',
  timeout: 'It ran longer than its time-out allows.',
  queue_timeout: 'It did not start in time.',
  image_error: 'Its image could not be had.',
  command_error: 'Its command could not be started.',
  storage_limit: 'It wrote more than it had asked for.',
  log_limit: 'It logged more than its limit.',
  output_error: 'Its output files could not be collected.',
  poison: 'Every worker that started this task was lost: it is not tried again.',
  external: 'Its container was stopped or removed by something else.',
  daemon_restart: 'The container daemon of its worker restarted.',
  start_error: 'Its container could not be started.',
  evicted: 'Its worker had to stop it.',
  preempted: 'It made room for another task.',
};

function seconds(ms: number): string {
  return `${ms % 1000 === 0 ? ms / 1000 : (ms / 1000).toFixed(1)} s`;
}
