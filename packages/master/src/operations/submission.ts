/**
 * What a user writes → what the engine takes. Quantities, times and references are read here, once; defaults are filled
 * in here, so that a stored spec says all there is to say. Every refusal names the field.
 */
import type { ResourceRequest, TaskSubmission } from '@cloudai/api/rest';
import {
  type EndReason,
  gpuProblem,
  parseCount,
  parseCpu,
  parseDurationMs,
  parseGpu,
  parseMemory,
  parseStorage,
  type Quantity,
  RESOURCE_NAMES,
  type Resources,
  type RetryRule,
  type TaskCommand,
  type TaskId,
  type TaskSpec,
} from '@cloudai/engine';
import type { Static } from 'typebox';
import { imageProblem } from './image.ts';
import { invalid } from './rejected.ts';

const MIB = 2 ** 20;

export const TASK_DEFAULTS = {
  request: { cpuMillis: 1000, memoryBytes: 512 * MIB, storageBytes: 1024 * MIB, gpuMillis: 0, custom: {} },
  priority: 50,
  stopGraceMs: 10_000,
  logLimitBytes: 64 * MIB,
  retry: { limit: 0, exitCodes: null, reasons: null, backoffMs: 1_000, factor: 2, maxMs: 300_000 },
} as const satisfies Partial<TaskSpec>;

/** Linux takes no argument or `NAME=value` of more than 128 KiB with its closing zero. */
const MAX_ARGUMENT_BYTES = 128 * 1024 - 1;
/** Arguments together. Far below the kernel's 2 MiB, which the environment shares. */
const MAX_COMMAND_BYTES = 128 * 1024;
const MAX_ENV_BYTES = 512 * 1024;
/** Docker starts no container with less memory. */
const MIN_MEMORY_BYTES = 6 * MIB;
const MAX_LOG_LIMIT_BYTES = 64 * 1024 * MIB;
const MAX_DURATION_MS = 366 * 86_400_000;
const MAX_STOP_GRACE_MS = 3_600_000;

/** Reasons for which a user may ask to try again; losses of workers have a budget of their own. */
export const RETRY_REASONS = [
  'exit_nonzero',
  'oom',
  'timeout',
  'image_error',
  'command_error',
  'storage_limit',
  'log_limit',
  'output_error',
  'stuck',
] as const satisfies readonly EndReason[];

/** `at` is the path of the submission in the request (`''` or `tasks[3]`); `parents` are the ids behind `dependsOn`. */
export function readSubmission(submission: TaskSubmission, at: string, parents: readonly TaskId[]): TaskSpec {
  const field = (name: string) => (at === '' ? name : `${at}.${name}`);
  const problem = imageProblem(submission.image);
  if (problem !== null) throw invalid(field('image'), `the reference ${JSON.stringify(submission.image)} ${problem}`);
  if (submission.name !== undefined) checkText(submission.name, field('name'));
  if (submission.workdir !== undefined) checkText(submission.workdir, field('workdir'));
  if (submission.user !== undefined) checkUser(submission.user, field('user'));
  return {
    image: submission.image,
    command: readCommand(submission.command, field('command')),
    entrypoint: submission.entrypoint === undefined ? null : readArguments(submission.entrypoint, field('entrypoint')),
    env: readEnv(submission.env ?? {}, field('env')),
    workingDir: submission.workdir ?? null,
    user: submission.user ?? null,
    labels: readLabels(submission.labels ?? {}, field('labels')),
    request: readResources(submission.resources ?? {}, field('resources')),
    targetWorker: submission.worker ?? null,
    selector: readLabels(submission.selector ?? {}, field('selector')),
    priority: submission.priority ?? TASK_DEFAULTS.priority,
    deadlineAt: readTime(submission.deadline, field('deadline')),
    startAfter: readTime(submission.startAfter, field('startAfter')),
    dependsOn: parents,
    timeoutMs: readDuration(submission.timeout, field('timeout')),
    queueTimeoutMs: readDuration(submission.queueTimeout, field('queueTimeout')),
    stopSignal: submission.stopSignal ?? null,
    stopGraceMs:
      readDuration(submission.stopGrace, field('stopGrace'), { zero: true, most: MAX_STOP_GRACE_MS }) ??
      TASK_DEFAULTS.stopGraceMs,
    retry: readRetry(submission.retry ?? {}, field('retry')),
    profile: submission.profile ?? 'standard',
    network: submission.network ?? (submission.profile === 'restricted' ? 'none' : 'bridge'),
    pull: submission.pull ?? 'missing',
    logLimitBytes: readLogLimit(submission.logLimit, field('logLimit')),
    logPolicy: submission.logPolicy ?? 'truncate',
    ...readTerms(submission, field),
  };
}

/** What is not said is left out, so that specs which say the same are the same. */
function readTerms(submission: TaskSubmission, field: (name: string) => string): Pick<TaskSpec, 'terms'> {
  const { gpuModels, gang, preemptible, near, apart, spread } = submission;
  const expectedMs = readDuration(submission.expected, field('expected'));
  for (const [n, model] of (gpuModels ?? []).entries()) checkText(model, `${field('gpuModels')}[${n}]`);
  const affinity = (
    name: 'near' | 'apart' | 'spread',
    term: { readonly labels: Record<string, string>; by?: string },
    n: number,
  ) => ({
    labels: readLabels(term.labels, `${field(name)}[${n}].labels`),
    by: term.by ?? null,
  });
  const terms = {
    ...(gpuModels === undefined || gpuModels.length === 0 ? {} : { gpuModels: [...gpuModels].sort() }),
    ...(expectedMs === null ? {} : { expectedMs }),
    ...(gang === true ? { gang } : {}),
    ...(preemptible === false ? { preemptible } : {}),
    ...(near === undefined ? {} : { near: near.map((term, n) => affinity('near', term, n)) }),
    ...(apart === undefined ? {} : { apart: apart.map((term, n) => affinity('apart', term, n)) }),
    ...(spread === undefined
      ? {}
      : { spread: spread.map((term, n) => ({ ...affinity('spread', term, n), maxSkew: term.maxSkew ?? 1 })) }),
  };
  return Object.keys(terms).length === 0 ? {} : { terms };
}

/** A request for resources with the defaults filled in. */
export function readResources(
  request: Static<typeof ResourceRequest>,
  at: string,
  defaults: Resources = TASK_DEFAULTS.request,
): Resources {
  const { cpu, memory, storage, gpu } = request;
  const resources = {
    cpuMillis: cpu === undefined ? defaults.cpuMillis : value(parseCpu(cpu), `${at}.cpu`),
    memoryBytes: memory === undefined ? defaults.memoryBytes : value(parseMemory(memory), `${at}.memory`),
    storageBytes: storage === undefined ? defaults.storageBytes : value(parseStorage(storage), `${at}.storage`),
    gpuMillis: gpu === undefined ? defaults.gpuMillis : value(parseGpu(gpu), `${at}.gpu`),
    custom: request.custom === undefined ? defaults.custom : readCustom(request.custom, `${at}.custom`),
  };
  if (resources.memoryBytes < MIN_MEMORY_BYTES)
    throw invalid(`${at}.memory`, `a container needs at least 6Mi of memory, asked for ${String(memory)}`);
  const problem = gpuProblem(resources.gpuMillis);
  if (problem !== null) throw invalid(`${at}.gpu`, problem);
  return resources;
}

export function readCustom(custom: Readonly<Record<string, number>>, at: string): Record<string, number> {
  const amounts: Record<string, number> = {};
  for (const [name, amount] of Object.entries(custom)) {
    if (isBuiltIn(name)) throw invalid(`${at}.${name}`, `${name} is no custom resource; write it beside custom`);
    amounts[name] = value(parseCount(amount, name), `${at}.${name}`);
  }
  return amounts;
}

function isBuiltIn(name: string): boolean {
  return RESOURCE_NAMES.some((known) => known === name);
}

function readCommand(command: TaskSubmission['command'], at: string): TaskCommand {
  if (command === undefined) return { kind: 'image' };
  if (typeof command !== 'string') {
    if (command.length === 0) return { kind: 'image' };
    return { kind: 'exec', args: readArguments(command, at) };
  }
  if (command.trim() === '') return { kind: 'image' };
  return { kind: 'shell', line: readArguments([command], at)[0]! };
}

function readArguments(args: readonly string[], at: string): readonly string[] {
  let total = 0;
  for (const argument of args) {
    checkText(argument, at);
    const bytes = Buffer.byteLength(argument);
    if (bytes > MAX_ARGUMENT_BYTES)
      throw invalid(
        at,
        `an argument has ${bytes} bytes; the kernel starts no process with more than ${MAX_ARGUMENT_BYTES}`,
      );
    total += bytes + 1;
  }
  if (total > MAX_COMMAND_BYTES)
    throw invalid(at, `has ${total} bytes in all; at most ${MAX_COMMAND_BYTES} are allowed`);
  return args;
}

function readEnv(env: Readonly<Record<string, string>>, at: string): Readonly<Record<string, string>> {
  let total = 0;
  for (const [name, text] of Object.entries(env)) {
    checkText(name, at);
    checkText(text, `${at}.${show(name)}`);
    total += Buffer.byteLength(name) + Buffer.byteLength(text) + 2;
  }
  if (total > MAX_ENV_BYTES) throw invalid(at, `has ${total} bytes in all; at most ${MAX_ENV_BYTES} are allowed`);
  return env;
}

function readLabels(labels: Readonly<Record<string, string>>, at: string): Readonly<Record<string, string>> {
  for (const [key, text] of Object.entries(labels)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    if (/[\x00-\x1f\x7f]/.test(key + text) || !key.isWellFormed() || !text.isWellFormed())
      throw invalid(`${at}.${show(key)}`, 'labels can not contain control characters');
  }
  return labels;
}

function readRetry(retry: NonNullable<TaskSubmission['retry']>, at: string): RetryRule {
  const usual = TASK_DEFAULTS.retry;
  return {
    limit: retry.limit ?? usual.limit,
    exitCodes: retry.exitCodes ?? usual.exitCodes,
    reasons: retry.reasons === undefined ? usual.reasons : readReasons(retry.reasons, `${at}.reasons`),
    backoffMs: readDuration(retry.backoff, `${at}.backoff`, { zero: true }) ?? usual.backoffMs,
    factor: retry.factor ?? usual.factor,
    maxMs: readDuration(retry.maxBackoff, `${at}.maxBackoff`, { zero: true }) ?? usual.maxMs,
  };
}

function readReasons(reasons: readonly string[], at: string): EndReason[] {
  return reasons.map((reason) => {
    const known = RETRY_REASONS.find((name) => name === reason);
    if (known === undefined) throw invalid(at, `${show(reason)} is not one of ${RETRY_REASONS.join(', ')}`);
    return known;
  });
}

function readLogLimit(limit: TaskSubmission['logLimit'], at: string): number {
  if (limit === undefined) return TASK_DEFAULTS.logLimitBytes;
  const bytes = value(parseMemory(limit), at);
  if (bytes > MAX_LOG_LIMIT_BYTES) throw invalid(at, 'at most 64Gi of log are kept of an attempt');
  return bytes;
}

/** A time as Unix milliseconds; the schema has checked the shape, not the calendar. */
export function readTime(text: string | undefined, at: string): number | null {
  if (text === undefined) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw invalid(at, `${show(text)} is not a time; write 2027-01-31T12:00:00Z`);
  return ms;
}

/** A point in time as text, or how long before `now` it was. */
export function readMoment(text: string, at: string, now: number): number {
  if (/^\d{4}-/.test(text)) {
    const ms = Date.parse(text);
    if (!Number.isNaN(ms)) return ms;
    throw invalid(at, `${show(text)} is not a time; write 2027-01-31T12:00:00Z, or 10m for ten minutes ago`);
  }
  return now - readDuration(text, at, { zero: true })!;
}

export function readDuration(
  input: string | number | undefined,
  at: string,
  options: { readonly zero?: boolean; readonly most?: number } = {},
): number | null {
  if (input === undefined) return null;
  const ms = value(parseDurationMs(input, { zero: options.zero ?? false }), at);
  const most = options.most ?? MAX_DURATION_MS;
  if (ms > most) throw invalid(at, `${show(String(input))} is too long; at most ${most / 1000} seconds are allowed`);
  return ms;
}

export function value(quantity: Quantity, at: string): number {
  if (!quantity.ok) throw invalid(at, quantity.message);
  return quantity.value;
}

function checkUser(user: string, at: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?$/.test(user))
    throw invalid(at, `${show(user)} is not a user; write a name or id, or user:group`);
}

/** No process can be given a zero byte, and half a surrogate pair is no text. */
function checkText(text: string, at: string): void {
  if (text.includes('\0')) throw invalid(at, 'can not contain a zero byte');
  if (!text.isWellFormed()) throw invalid(at, 'is not valid Unicode');
}

function show(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > 40 ? `${plain.slice(0, 40)}...` : plain;
}
