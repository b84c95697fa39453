/** Rows and specs for tests: everything has a sensible value, a case names what it is about. */
import type { ConnectWorker } from '../command.ts';
import type { AttemptResult } from '../model/attempt.ts';
import { NO_CUSTOM, type Resources } from '../model/resources.ts';
import type { RetryRule, TaskSpec } from '../model/task.ts';
import type { GpuDevice, WorkerCapacity } from '../model/worker.ts';

export const GIB = 2 ** 30;

/** Amounts as people say them: cores, GiB, devices. */
export interface Amounts {
  readonly cpu?: number;
  readonly memory?: number;
  readonly storage?: number;
  readonly gpu?: number;
  readonly custom?: Readonly<Record<string, number>>;
}

export function resources({ cpu = 0, memory = 0, storage = 0, gpu = 0, custom = NO_CUSTOM }: Amounts): Resources {
  return {
    cpuMillis: Math.round(cpu * 1000),
    memoryBytes: Math.round(memory * GIB),
    storageBytes: Math.round(storage * GIB),
    gpuMillis: Math.round(gpu * 1000),
    custom,
  };
}

export function capacity(amounts: Amounts): WorkerCapacity {
  const gpus = Array.from(
    { length: Math.ceil(amounts.gpu ?? 0) },
    (_, index): GpuDevice => ({
      index,
      uuid: `GPU-${index}`,
      model: 'Test',
      memoryBytes: 16 * GIB,
    }),
  );
  return { resources: resources({ storage: 100, ...amounts }), gpus };
}

export const NO_RETRY: RetryRule = { limit: 0, exitCodes: null, reasons: null, backoffMs: 0, factor: 2, maxMs: 60_000 };

/** What a test says of a task: amounts at the top level, anything else of the spec by its own name. */
export type SpecOptions = Amounts &
  Partial<Omit<TaskSpec, 'request' | 'retry'>> & { readonly retry?: Partial<RetryRule> };

export function spec(options: SpecOptions = {}): TaskSpec {
  const { cpu = 1, memory = 0.5, storage, gpu, custom, retry, ...rest } = options;
  const request = resources({
    cpu,
    memory,
    ...(storage === undefined ? {} : { storage }),
    ...(gpu === undefined ? {} : { gpu }),
    ...(custom === undefined ? {} : { custom }),
  });
  return {
    image: 'busybox:1',
    command: { kind: 'image' },
    entrypoint: null,
    env: {},
    workingDir: null,
    user: null,
    labels: {},
    request,
    targetWorker: null,
    selector: {},
    priority: 50,
    deadlineAt: null,
    startAfter: null,
    dependsOn: [],
    timeoutMs: null,
    queueTimeoutMs: null,
    stopSignal: null,
    stopGraceMs: 10_000,
    retry: { ...NO_RETRY, ...retry },
    profile: 'standard',
    network: 'bridge',
    pull: 'missing',
    logLimitBytes: 64 * 2 ** 20,
    logPolicy: 'truncate',
    ...rest,
  };
}

export function result(exitCode: number | null, endedAt: number, rest: Partial<AttemptResult> = {}): AttemptResult {
  return {
    exitCode,
    startedAt: null,
    endedAt,
    oomInChild: false,
    peakMemoryBytes: null,
    cpuMillisSeconds: null,
    logBytes: { stdout: 0, stderr: 0, dropped: 0 },
    artifacts: [],
    message: null,
    ...rest,
  };
}

export function hello(workerId: string, offer: WorkerCapacity, rest: Partial<ConnectWorker> = {}): ConnectWorker {
  return {
    kind: 'connectWorker',
    workerId,
    certificateSerial: `serial-${workerId}`,
    incarnation: `process-${workerId}`,
    version: '1.0.0',
    remoteAddress: null,
    capacity: offer,
    labels: {},
    found: [],
    unhealthy: null,
    ...rest,
  };
}
