/** The stored spec of a task as the submission that would make it again: what is a default is left out. */
import type { TaskDetail, TaskSubmission } from '@cloudai/sdk';
import { bytesQuantity, coresQuantity, durationQuantity } from './quantity.ts';

/** The engine's `TaskSpec`, which the API hands out as it is. */
interface Spec {
  readonly image: string;
  readonly command:
    | { readonly kind: 'image' }
    | { readonly kind: 'shell'; readonly line: string }
    | { readonly kind: 'exec'; readonly args: readonly string[] };
  readonly entrypoint: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string | null;
  readonly user: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly request: {
    readonly cpuMillis: number;
    readonly memoryBytes: number;
    readonly storageBytes: number;
    readonly gpuMillis: number;
    readonly custom: Readonly<Record<string, number>>;
  };
  readonly targetWorker: string | null;
  readonly selector: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly deadlineAt: number | null;
  readonly startAfter: number | null;
  readonly dependsOn: readonly string[];
  readonly timeoutMs: number | null;
  readonly queueTimeoutMs: number | null;
  readonly stopSignal: string | null;
  readonly stopGraceMs: number;
  readonly retry: {
    readonly limit: number;
    readonly exitCodes: readonly number[] | null;
    readonly reasons: readonly string[] | null;
    readonly backoffMs: number;
    readonly factor: number;
    readonly maxMs: number;
  };
  readonly profile: 'standard' | 'restricted';
  readonly network: 'bridge' | 'none';
  readonly pull: 'always' | 'missing' | 'never';
  readonly logLimitBytes: number;
  readonly logPolicy: 'truncate' | 'fail';
}

const DEFAULT_STOP_GRACE_MS = 10_000;
const DEFAULT_LOG_LIMIT_BYTES = 64 * 2 ** 20;

export function submissionOf({ task, spec: stored }: Pick<TaskDetail, 'task' | 'spec'>): TaskSubmission {
  const spec = stored as unknown as Spec;
  const { request, retry } = spec;
  return without({
    name: task.name ?? undefined,
    image: spec.image,
    command: commandOf(spec.command),
    entrypoint: spec.entrypoint === null ? undefined : [...spec.entrypoint],
    env: filled(spec.env),
    workdir: spec.workingDir ?? undefined,
    user: spec.user ?? undefined,
    labels: filled(spec.labels),
    resources: without({
      cpu: coresQuantity(request.cpuMillis),
      memory: bytesQuantity(request.memoryBytes),
      storage: bytesQuantity(request.storageBytes),
      gpu: request.gpuMillis === 0 ? undefined : coresQuantity(request.gpuMillis),
      custom: filled(request.custom),
    }),
    worker: spec.targetWorker ?? undefined,
    selector: filled(spec.selector),
    priority: spec.priority,
    deadline: timeOf(spec.deadlineAt),
    startAfter: timeOf(spec.startAfter),
    dependsOn: spec.dependsOn.length === 0 ? undefined : [...spec.dependsOn],
    timeout: durationOf(spec.timeoutMs),
    queueTimeout: durationOf(spec.queueTimeoutMs),
    retry:
      retry.limit === 0
        ? undefined
        : without({
            limit: retry.limit,
            exitCodes: retry.exitCodes === null ? undefined : [...retry.exitCodes],
            reasons: retry.reasons === null ? undefined : [...retry.reasons],
            backoff: durationOf(retry.backoffMs),
            factor: retry.factor,
            maxBackoff: durationOf(retry.maxMs),
          }),
    stopSignal: spec.stopSignal ?? undefined,
    stopGrace: spec.stopGraceMs === DEFAULT_STOP_GRACE_MS ? undefined : durationOf(spec.stopGraceMs),
    profile: spec.profile === 'standard' ? undefined : spec.profile,
    network: spec.network === (spec.profile === 'restricted' ? 'none' : 'bridge') ? undefined : spec.network,
    pull: spec.pull === 'missing' ? undefined : spec.pull,
    logLimit: spec.logLimitBytes === DEFAULT_LOG_LIMIT_BYTES ? undefined : bytesQuantity(spec.logLimitBytes),
    logPolicy: spec.logPolicy === 'truncate' ? undefined : spec.logPolicy,
  }) as TaskSubmission;
}

function commandOf(command: Spec['command']): string | string[] | undefined {
  if (command.kind === 'shell') return command.line;
  return command.kind === 'exec' ? [...command.args] : undefined;
}

function durationOf(ms: number | null): string | undefined {
  return ms === null ? undefined : durationQuantity(ms);
}

function timeOf(ms: number | null): string | undefined {
  return ms === null ? undefined : new Date(ms).toISOString();
}

function filled<T extends object>(record: T): T | undefined {
  return Object.keys(record).length === 0 ? undefined : { ...record };
}

function without<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
