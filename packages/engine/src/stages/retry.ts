/**
 * What an ended attempt means for its task: the end, or another try and at whose expense. Failures of the task itself
 * cost the budget its user gave (`spec.retry`); failures of the cluster cost one of its own, so neither can use up
 * the other's.
 */
import type { EngineConfig } from '../config.ts';
import type { EndReason, Task, TerminalTaskState } from '../model/task.ts';

export type Verdict =
  | { readonly kind: 'end'; readonly state: TerminalTaskState; readonly reason: EndReason }
  | { readonly kind: 'retry'; readonly delayMs: number };

export interface Judgement {
  readonly verdict: Verdict;
  readonly userFailures: number;
  readonly infraFailures: number;
  readonly suspectWorkers: readonly string[];
}

const INFRASTRUCTURE: ReadonlySet<EndReason> = new Set([
  'worker_lost',
  'external',
  'daemon_restart',
  'start_error',
  'withdrawn',
  'evicted',
]);

/** The cluster's fault: the task is tried again whatever its retry rule says. */
export function isInfrastructure(reason: EndReason): boolean {
  return INFRASTRUCTURE.has(reason);
}

/**
 * It had to go for another task, or starts again with its gang: nobody's fault. It costs no budget, says nothing
 * against the worker and is queued again at once.
 */
export function isPreemption(reason: EndReason): boolean {
  return reason === 'preempted';
}

/** Repeated when the rule names no reasons. Others (a wrong image, a wrong command) fail the same way again. */
const RETRIED_BY_DEFAULT: ReadonlySet<EndReason> = new Set([
  'exit_nonzero',
  'oom',
  'timeout',
  'storage_limit',
  'output_error',
]);

/** `suspect`: the worker was lost right after this task began there. */
export function judge(
  task: Task,
  reason: EndReason,
  exitCode: number | null,
  suspect: string | null,
  config: EngineConfig,
): Judgement {
  const infra = isInfrastructure(reason);
  const ours =
    isPreemption(reason) || reason === 'exit_zero' || reason === 'cancelled_by_user' || reason === 'queue_timeout';
  const suspects =
    suspect === null || task.suspectWorkers.includes(suspect) ? task.suspectWorkers : [...task.suspectWorkers, suspect];
  const after = {
    ...task,
    userFailures: task.userFailures + (infra || ours ? 0 : 1),
    infraFailures: task.infraFailures + (infra ? 1 : 0),
    suspectWorkers: suspects,
  };
  const { userFailures, infraFailures, suspectWorkers } = after;
  return { verdict: decide(after, reason, exitCode, infra, config), userFailures, infraFailures, suspectWorkers };
}

function decide(task: Task, reason: EndReason, exitCode: number | null, infra: boolean, config: EngineConfig): Verdict {
  if (reason === 'exit_zero') return { kind: 'end', state: 'completed', reason };
  if (reason === 'cancelled_by_user') return { kind: 'end', state: 'cancelled', reason };
  // Nobody wants a next try; a failure that came before the stop is still told as it was.
  if (task.cancelRequested)
    return infra || isPreemption(reason)
      ? { kind: 'end', state: 'cancelled', reason: 'cancelled_by_user' }
      : { kind: 'end', state: 'failed', reason };
  if (isPreemption(reason)) return { kind: 'retry', delayMs: 0 };
  if (infra) {
    if (task.suspectWorkers.length >= config.poisonWorkers) return { kind: 'end', state: 'failed', reason: 'poison' };
    if (task.infraFailures > config.infraRetries) return { kind: 'end', state: 'failed', reason };
    return { kind: 'retry', delayMs: backoff(task.infraFailures, config.infraBackoffMs, 2, config.infraBackoffMaxMs) };
  }
  const { retry } = task.spec;
  if (task.userFailures <= retry.limit && isRetried(task, reason, exitCode))
    return { kind: 'retry', delayMs: backoff(task.userFailures, retry.backoffMs, retry.factor, retry.maxMs) };
  return { kind: 'end', state: 'failed', reason };
}

function isRetried(task: Task, reason: EndReason, exitCode: number | null): boolean {
  const { reasons, exitCodes } = task.spec.retry;
  if (reason === 'queue_timeout' || reason === 'dependency_failed' || reason === 'poison') return false;
  if (!(reasons?.includes(reason) ?? RETRIED_BY_DEFAULT.has(reason))) return false;
  return reason !== 'exit_nonzero' || exitCodes === null || (exitCode !== null && exitCodes.includes(exitCode));
}

/** Wait before the next try after the `failures`-th failure, ms: `first`, times `factor` each, at most `most`. */
export function backoff(failures: number, first: number, factor: number, most: number): number {
  let wait = first;
  // Multiplied step by step: `**` may round differently from one processor to the next.
  for (let n = 1; n < failures && wait < most; n++) wait *= factor;
  return Math.round(Math.min(wait, most));
}
