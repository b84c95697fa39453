/** What a task spec has to keep to whoever wrote it. The edge says it more kindly; this is the last word. */
import { gpuProblem } from './gpu.ts';
import type { Resources } from './resources.ts';
import type { TaskSpec } from './task.ts';
import { termsProblem } from './terms.ts';

export const MAX_PRIORITY = 100;
/** More parents than this make every completion of one expensive; a task that joins more can be built in a tree. */
export const MAX_PARENTS = 1_000;
/** Beyond this a retry rule is a loop. */
export const MAX_USER_RETRIES = 1_000;

/** The first thing that is wrong, as a sentence; null when the spec is sound. */
export function specProblem(spec: TaskSpec): string | null {
  if (spec.image === '') return 'The image must not be empty.';
  return (
    requestProblem(spec.request) ??
    termsProblem(spec) ??
    integerProblem('priority', spec.priority, 0, MAX_PRIORITY) ??
    optionalProblem('deadlineAt', spec.deadlineAt, 0) ??
    optionalProblem('startAfter', spec.startAfter, 0) ??
    optionalProblem('timeoutMs', spec.timeoutMs, 1) ??
    optionalProblem('queueTimeoutMs', spec.queueTimeoutMs, 1) ??
    integerProblem('stopGraceMs', spec.stopGraceMs, 0, Number.MAX_SAFE_INTEGER) ??
    integerProblem('logLimitBytes', spec.logLimitBytes, 0, Number.MAX_SAFE_INTEGER) ??
    parentsProblem(spec.dependsOn) ??
    retryProblem(spec.retry)
  );
}

/** What is wrong with a request, as a sentence. */
export function requestProblem(request: Resources): string | null {
  return amountsProblem(request) ?? gpuProblem(request.gpuMillis);
}

/** Amounts are whole numbers from 0. */
export function amountsProblem(amounts: Resources): string | null {
  for (const name of ['cpuMillis', 'memoryBytes', 'storageBytes', 'gpuMillis'] as const) {
    const problem = integerProblem(name, amounts[name], 0, Number.MAX_SAFE_INTEGER);
    if (problem !== null) return problem;
  }
  for (const [name, amount] of Object.entries(amounts.custom)) {
    const problem = integerProblem(name, amount, 0, Number.MAX_SAFE_INTEGER);
    if (problem !== null) return problem;
  }
  return null;
}

export function integerProblem(name: string, value: number, least: number, most: number): string | null {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return null;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  return `${name} is ${value}; it has to be a whole number ${range}.`;
}

function optionalProblem(name: string, value: number | null, least: number): string | null {
  return value === null ? null : integerProblem(name, value, least, Number.MAX_SAFE_INTEGER);
}

function parentsProblem(parents: readonly string[]): string | null {
  if (parents.length > MAX_PARENTS)
    return `dependsOn names ${parents.length} tasks; at most ${MAX_PARENTS} are allowed. Join them in stages.`;
  return new Set(parents).size === parents.length ? null : 'dependsOn names a task twice.';
}

function retryProblem(retry: TaskSpec['retry']): string | null {
  if (!(Number.isFinite(retry.factor) && retry.factor >= 1))
    return `retry.factor is ${retry.factor}; it has to be a number from 1.`;
  return (
    integerProblem('retry.limit', retry.limit, 0, MAX_USER_RETRIES) ??
    integerProblem('retry.backoffMs', retry.backoffMs, 0, Number.MAX_SAFE_INTEGER) ??
    integerProblem('retry.maxMs', retry.maxMs, 0, Number.MAX_SAFE_INTEGER)
  );
}
