import type { Resources, TaskSpec, WorkerCapacity } from '@cloudai/engine';

/** Something that will be submitted, with what only the future knows: the scheduler never sees a row of this. */
export interface Job {
  /** Becomes the id of its task; no two jobs of a workload share it. */
  readonly id: string;
  /** From the begin of the workload, as are all times here. */
  readonly submitMs: number;
  /** What it takes on a worker of speed 1. The scheduler does not learn it before the end. */
  readonly runMs: number;
  /** What its user says that it takes at most; null: nothing is said. */
  readonly estimateMs: number | null;
  readonly request: Resources;
  /** GPU models it may run on; empty: any. */
  readonly gpuModels: readonly string[];
  readonly user: string;
  readonly priority: number;
  readonly image: SimImage;
  /** Attempts that fail before one succeeds; each of them takes `runMs` times this share. */
  readonly failures: readonly number[];
}

export interface SimImage {
  readonly name: string;
  readonly bytes: number;
}

export interface SimWorker {
  readonly id: string;
  readonly capacity: WorkerCapacity;
  readonly labels: Readonly<Record<string, string>>;
  /** Run times are divided by this. */
  readonly speed: number;
}

/** What is replayed: the machines and what arrives. */
export interface Workload {
  readonly name: string;
  readonly workers: readonly SimWorker[];
  /** Ascending by submit time. */
  readonly jobs: readonly Job[];
}

export const GIB = 2 ** 30;
export const MIB = 2 ** 20;

export const NO_IMAGE: SimImage = { name: 'recorded', bytes: 0 };

/** A worker with so many GPUs of one model. */
export function simWorker(
  id: string,
  resources: Omit<Resources, 'gpuMillis' | 'custom' | 'storageBytes'> & { readonly storageBytes?: number },
  gpus: { readonly count: number; readonly model: string | null } = { count: 0, model: null },
): SimWorker {
  const model = gpus.model ?? 'none';
  return {
    id,
    capacity: {
      resources: { storageBytes: 2 ** 40, ...resources, gpuMillis: gpus.count * 1000, custom: {} },
      gpus: Array.from({ length: gpus.count }, (_, index) => ({
        index,
        uuid: `${id}-${index}`,
        model,
        memoryBytes: 16 * GIB,
      })),
    },
    labels: {},
    speed: 1,
  };
}

/** The spec that a user of the live cluster would submit for it: nothing in it comes from the future. */
export function specOf(job: Job): TaskSpec {
  return {
    image: job.image.name,
    command: { kind: 'image' },
    entrypoint: null,
    env: {},
    workingDir: null,
    user: null,
    labels: {},
    request: job.request,
    targetWorker: null,
    selector: {},
    ...termsOf(job),
    priority: job.priority,
    deadlineAt: null,
    startAfter: null,
    dependsOn: [],
    timeoutMs: null,
    queueTimeoutMs: null,
    stopSignal: null,
    stopGraceMs: 10_000,
    retry: { limit: 100, exitCodes: null, reasons: null, backoffMs: 1_000, factor: 2, maxMs: 60_000 },
    profile: 'standard',
    network: 'none',
    pull: 'missing',
    logLimitBytes: 2 ** 20,
    logPolicy: 'truncate',
  };
}

/** Left out when there are none, so that plain tasks stay equal. */
function termsOf({ gpuModels, estimateMs }: Job): Pick<TaskSpec, 'terms'> {
  const models = gpuModels.length === 0 ? {} : { gpuModels };
  const expected = estimateMs === null ? {} : { expectedMs: Math.max(1, Math.round(estimateMs)) };
  return gpuModels.length === 0 && estimateMs === null ? {} : { terms: { ...models, ...expected } };
}
