/** Rows for tests: everything has a sensible value, a case names what it is about. */
import type { Attempt, Change, ClusterEvent, ClusterRow, Job, Namespace, Task, Worker } from '@cloudai/engine';
import { capacity, resources, spec } from '@cloudai/engine/testing';

/** An id as the edge makes them, from a number: equal numbers give equal ids, neighbours look unalike. */
export function idOf(number: number): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  let hash = Math.imul(number + 1, 0x9e3779b1) >>> 0;
  let id = '';
  for (let n = 0; n < 16; n += 1) {
    hash = (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) + n) >>> 0;
    id += letters[(hash >>> 7) % 32];
  }
  return id;
}

export function taskRow(sequence: number, rest: Partial<Task> = {}): Task {
  const ofTask = rest.spec ?? spec();
  return {
    id: idOf(sequence),
    namespace: 'default',
    owner: 'ada',
    name: null,
    jobId: null,
    retryOf: null,
    spec: ofTask,
    priority: ofTask.priority,
    state: 'queued',
    reason: null,
    message: 'Waits for its turn.',
    exitCode: null,
    submittedAt: 1_000 + sequence,
    sequence,
    eligibleAt: null,
    waitsFor: [],
    queuedAt: 1_000 + sequence,
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

export function endedTask(sequence: number, endedAt: number, rest: Partial<Task> = {}): Task {
  return taskRow(sequence, { state: 'cancelled', reason: 'cancelled_by_user', endedAt, ...rest });
}

export function attemptRow(taskId: string, number: number, rest: Partial<Attempt> = {}): Attempt {
  return {
    taskId,
    number,
    workerId: 'w1',
    session: 1,
    state: 'running',
    reason: null,
    reserved: resources({ cpu: 1, memory: 1 }),
    gpus: [],
    placedBy: 'balanced',
    assignedAt: 2_000,
    expiresAt: null,
    confirmedAt: 2_001,
    startedAt: 2_002,
    endedAt: null,
    progress: null,
    containerId: 'c1',
    imageDigest: null,
    stopReason: null,
    result: null,
    ...rest,
  };
}

export function eventRow(sequence: number, rest: Partial<ClusterEvent> = {}): ClusterEvent {
  return {
    sequence,
    at: 3_000 + sequence,
    kind: 'task_submitted',
    namespace: 'default',
    taskId: null,
    attempt: null,
    workerId: null,
    by: null,
    message: null,
    ...rest,
  };
}

export function clusterRow(rest: Partial<ClusterRow> = {}): ClusterRow {
  return { epoch: 1, taskSequence: 0, eventSequence: 0, placement: 'balanced', cursor: null, ...rest };
}

export function workerRow(id: string, rest: Partial<Worker> = {}): Worker {
  return {
    id,
    state: 'active',
    address: null,
    remoteAddress: '192.0.2.1:4242',
    version: '1.0.0',
    capacity: capacity({ cpu: 8, memory: 16 }),
    detectedLabels: { os: 'linux' },
    labels: {},
    session: 1,
    incarnation: 'i1',
    connected: true,
    lastSeenAt: 1_000,
    drain: null,
    unhealthy: null,
    joinToken: null,
    certificateSerial: 's1',
    registeredAt: 500,
    ...rest,
  };
}

export function namespaceRow(name: string): Namespace {
  return { name, quota: null, createdAt: 100 };
}

export function jobRow(id: string, rest: Partial<Job> = {}): Job {
  return { id, namespace: 'default', owner: 'ada', name: null, size: 1, submittedAt: 1_000, ...rest };
}

export function created(...rows: readonly Task[]): Change[] {
  return rows.map((row) => ({ kind: 'task', created: true, row }));
}

export function changed(row: Task): Change {
  return { kind: 'task', created: false, row };
}

export function attempts(...rows: readonly Attempt[]): Change[] {
  return rows.map((row) => ({ kind: 'attempt', row }));
}

export function events(...rows: readonly ClusterEvent[]): Change[] {
  return rows.map((row) => ({ kind: 'event', row }));
}
