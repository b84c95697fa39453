/** Plain rows with everything that a test does not care about filled in. */
import { Ledger } from '../model/ledger.ts';
import { NO_CUSTOM, type Resources } from '../model/resources.ts';
import type { Task, TaskSpec } from '../model/task.ts';
import type { GpuDevice, Worker } from '../model/worker.ts';
import type { Ask, WorkerRoom } from '../policy/policy.ts';

export const GIB = 2 ** 30;

/** Amounts in the units that people use: cores, GiB, devices. */
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

/** What a policy is asked to place. */
export function askFor(amounts: Amounts, rest: Partial<Ask> = {}): Ask {
  return { request: resources(amounts), gpuModels: [], task: null, ...rest };
}

export function specRow(amounts: Amounts, rest: Partial<TaskSpec> = {}): TaskSpec {
  return {
    image: 'busybox',
    command: { kind: 'image' },
    entrypoint: null,
    env: {},
    workingDir: null,
    user: null,
    labels: {},
    request: resources(amounts),
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
    retry: { limit: 0, exitCodes: null, reasons: null, backoffMs: 1000, factor: 2, maxMs: 60_000 },
    profile: 'standard',
    network: 'bridge',
    pull: 'missing',
    logLimitBytes: 64 * 2 ** 20,
    logPolicy: 'truncate',
    ...rest,
  };
}

/** A queued task of the namespace `default`. */
export function taskRow(id: string, spec: TaskSpec, rest: Partial<Task> = {}): Task {
  return {
    id,
    namespace: 'default',
    owner: 'ada',
    name: null,
    jobId: null,
    retryOf: null,
    spec,
    priority: spec.priority,
    state: 'queued',
    reason: null,
    message: null,
    exitCode: null,
    submittedAt: 0,
    sequence: 0,
    eligibleAt: null,
    waitsFor: [],
    queuedAt: 0,
    startedAt: null,
    endedAt: null,
    fence: 0,
    userFailures: 0,
    infraFailures: 0,
    suspectWorkers: [],
    imageDigest: null,
    cancelRequested: false,
    version: 1,
    ...rest,
  };
}

/** A connected worker in good health, with one listed device per whole GPU. */
export function workerRow(id: string, amounts: Amounts, rest: Partial<Worker> = {}): Worker {
  const gpus = Array.from({ length: Math.floor(amounts.gpu ?? 0) }, (_, index) => gpuDevice(index));
  return {
    id,
    state: 'active',
    address: null,
    remoteAddress: null,
    version: '1',
    capacity: { resources: resources(amounts), gpus },
    detectedLabels: {},
    labels: {},
    session: 1,
    incarnation: 'a',
    connected: true,
    lastSeenAt: 0,
    drain: null,
    unhealthy: null,
    joinToken: null,
    certificateSerial: null,
    registeredAt: 0,
    ...rest,
  };
}

export function gpuDevice(index: number, model = 'test'): GpuDevice {
  return { index, uuid: `gpu-${index}`, model, memoryBytes: 16 * GIB };
}

/** A worker with an empty ledger. */
export function roomOf(worker: Worker): WorkerRoom {
  if (worker.capacity === null) throw new Error(`worker ${worker.id} has told no capacity`);
  return { worker, ledger: new Ledger(worker.capacity) };
}
