import { createHash } from 'node:crypto';
import type { ArtifactView, AttemptView, ResourcesView, TaskView, WorkerView } from '@cloudai/api/rest';

const GIB = 2 ** 30;
export const START = '2026-11-22T12:00:00.000Z';

export const RESOURCES: ResourcesView = {
  cpuMillis: 1000,
  memoryBytes: GIB / 2,
  storageBytes: GIB,
  gpuMillis: 0,
  custom: {},
};

export function aTask(fields: Partial<TaskView> = {}): TaskView {
  return {
    id: 'aaaabbbbccccdddd',
    namespace: 'default',
    owner: 'admin',
    name: null,
    jobId: null,
    retryOf: null,
    image: 'busybox',
    command: 'echo hello',
    resources: RESOURCES,
    priority: 50,
    labels: {},
    state: 'queued',
    reason: null,
    message: null,
    exitCode: null,
    attempt: 0,
    worker: null,
    submittedAt: START,
    queuedAt: START,
    startedAt: null,
    endedAt: null,
    version: 1,
    ...fields,
  };
}

export function anAttempt(fields: Partial<AttemptView> = {}): AttemptView {
  return {
    taskId: 'aaaabbbbccccdddd',
    number: 1,
    worker: 'worker-1',
    state: 'running',
    reason: null,
    message: null,
    exitCode: null,
    placedBy: 'greedy',
    progress: null,
    containerId: null,
    imageDigest: null,
    assignedAt: START,
    startedAt: START,
    endedAt: null,
    peakMemoryBytes: null,
    cpuMillisSeconds: null,
    logBytes: null,
    artifacts: [],
    ...fields,
  };
}

export function anArtifact(path: string, content: string, attempt = 1): ArtifactView {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  return { path, sizeBytes: Buffer.byteLength(content), digest, attempt };
}

export function aWorker(fields: Partial<WorkerView> = {}): WorkerView {
  const total = { cpuMillis: 8000, memoryBytes: 16 * GIB, storageBytes: 100 * GIB, gpuMillis: 1000, custom: {} };
  const allocated = { cpuMillis: 2500, memoryBytes: 4 * GIB, storageBytes: 10 * GIB, gpuMillis: 0, custom: {} };
  return {
    id: 'worker-1',
    state: 'active',
    connected: true,
    address: '192.168.1.20:50052',
    remoteAddress: '192.168.1.20:41234',
    version: '0.1.0',
    total,
    allocated,
    available: { cpuMillis: 5500, memoryBytes: 12 * GIB, storageBytes: 90 * GIB, gpuMillis: 1000, custom: {} },
    usage: {
      cpu: 0.255,
      memoryBytes: 3 * GIB,
      storageBytes: 20 * GIB,
      gpu: 0.5,
      networkRxBytes: 0,
      networkTxBytes: 0,
      at: START,
    },
    gpus: [{ index: 0, uuid: 'GPU-0', model: 'Test GPU', memoryBytes: 16 * GIB }],
    labels: { zone: 'north' },
    runningTasks: [{ taskId: 'aaaabbbbccccdddd', attempt: 1, state: 'running', resources: RESOURCES }],
    drain: null,
    unhealthy: null,
    lastSeenAt: new Date().toISOString(),
    registeredAt: START,
    ...fields,
  };
}
