import { createHash } from 'node:crypto';
import type {
  DrainRequest,
  EventView,
  JobSubmission,
  LabelPatch,
  LogLine,
  NamespaceChange,
  SchedulerView,
  TaskSubmission,
  TaskView,
  UserChange,
  WorkerRegistration,
  WorkerView,
} from '@cloudai/api/rest';
import type { OperationName } from '@cloudai/api/routes';
import { type MemoryMaster, Refusal, type SeenRequest, type StreamAnswer } from './memory-master.ts';
import { aTask, aWorker, RESOURCES, START } from './rows.ts';

type Handler = (master: MemoryMaster, request: SeenRequest) => unknown;

/** Of what the tests of clients need. */
export const handlers: Readonly<Partial<Record<OperationName, Handler>>> = {
  getVersion: () => ({ version: '0.1.0', api: 'v1', node: process.versions.node }),
  getCluster: (master) => ({
    clusterId: 'c-1',
    version: '0.1.0',
    epoch: 1,
    startedAt: START,
    placement: master.placement,
    workers: countBy([...master.workers.values()].map(({ state }) => state)),
    tasks: countBy([...master.tasks.values()].map(({ task }) => task.state)),
    queueDepth: queued(master).length,
    oldestWaitMs: 1000,
    total: RESOURCES,
    allocated: { ...RESOURCES, cpuMillis: 500 },
    available: { ...RESOURCES, cpuMillis: 500 },
    store: { sizeBytes: 4096, schema: 1, full: false, audit: { state: 'sound', findings: 0, endedAt: START } },
    loopLagMs: 0,
  }),
  createLoginCode: () => ({ code: 'one-time-code', expiresAt: START }),
  submitTask: (master, { body }) => submit(master, body as TaskSubmission, null),
  submitJob: (master, { body }) => {
    const { tasks } = body as JobSubmission;
    return { jobId: 'job-1', namespace: 'default', taskIds: tasks.map((task) => submit(master, task, 'job-1').id) };
  },
  listTasks: (master, { query }) => {
    const states = query.state?.split(',');
    const fitting = [...master.tasks.values()]
      .map(({ task }) => task)
      .filter((task) => states === undefined || states.includes(task.state))
      .filter((task) => query.id === undefined || task.id.startsWith(query.id));
    const from = Number(query.cursor ?? 0);
    const to = from + Number(query.limit ?? 100);
    return { items: fitting.slice(from, to), next: to < fitting.length ? String(to) : null };
  },
  getTask: (master, { params }) => master.find(params.task ?? ''),
  explainTask: (master, { params }) => {
    const { task } = master.find(params.task ?? '');
    const message = 'Insufficient CPU: worker has 2.00 available, task requires 3.00';
    return {
      taskId: task.id,
      state: task.state,
      summary: message,
      position: task.state === 'queued' ? 1 : null,
      waitingMs: 65_000,
      couldEverFit: true,
      workers: [
        { workerId: 'worker-1', obstacles: [{ kind: 'insufficient', message }], couldEverFit: true, scores: {} },
      ],
      advice: 'ask for 1.00 CPU less',
    };
  },
  listTaskEvents: (master, { params }) => ({ items: [anEvent(master.find(params.task ?? '').task.id)], next: null }),
  cancelTask: (master, { params }) => {
    const { task } = master.find(params.task ?? '');
    if (task.endedAt !== null) return task;
    master.end(task.id, { state: 'cancelled', reason: 'cancelled_by_user' });
    return master.find(task.id).task;
  },
  retryTask: (master, { params }) => {
    const { task } = master.find(params.task ?? '');
    if (task.endedAt === null) throw new Refusal('task_not_ended', `Task ${task.id} is ${task.state}`);
    const copy = aTask({ id: master.newId(), retryOf: task.id, image: task.image });
    master.addTask({ task: copy });
    return copy;
  },
  updateTask: (master, { params, body }) =>
    master.changeTask(master.find(params.task ?? '').task.id, body as Partial<TaskView>),
  readLogs: (master, { params, query }) => readLogs(master, master.find(params.task ?? '').task.id, query),
  listArtifacts: (master, { params }) => ({
    items: master
      .find(params.task ?? '')
      .attempts.toReversed()
      .flatMap(({ artifacts }) => artifacts),
    next: null,
  }),
  getArtifact: (master, { params }): StreamAnswer => {
    const content = master.contents.get(params.path ?? '');
    if (content === undefined) throw new Refusal('artifact_unknown', `no file ${params.path}`);
    return { type: 'application/octet-stream', length: Buffer.byteLength(content), chunks: [content] };
  },
  getQueue: (master) => {
    const items = queued(master).map((task, index) => ({
      position: index + 1,
      waitingMs: 65_000,
      message: task.message,
      task,
    }));
    return { total: items.length, items, next: null };
  },
  listWorkers: (master) => ({ items: [...master.workers.values()], next: null }),
  getWorker: (master, { params }) => workerOf(master, params),
  registerWorker: (master, { body }) => {
    const { id, address, renew } = body as WorkerRegistration;
    if (master.workers.has(id) && renew !== true) throw new Refusal('worker_exists', `worker ${id} already registered`);
    const worker = aWorker({
      id,
      address: address ?? null,
      state: 'registered',
      connected: false,
      total: null,
      available: null,
      usage: null,
      runningTasks: [],
      lastSeenAt: null,
    });
    master.workers.set(id, worker);
    const joinToken = `CAIJ1.00.${id}.secret`;
    const expiresAt = new Date(Date.now() + 900_000).toISOString();
    return { worker, joinToken, expiresAt, command: `cloudai worker --master 127.0.0.1:50051 --join ${joinToken}` };
  },
  unregisterWorker: (master, { params, query }) => {
    const worker = workerOf(master, params);
    if (worker.runningTasks.length > 0 && query.force !== 'true') {
      throw new Refusal('worker_busy', `${worker.runningTasks.length} tasks still run on ${worker.id}`);
    }
    master.workers.delete(worker.id);
  },
  drainWorker: (master, { params, body }) => {
    const { off, reason } = (body ?? {}) as DrainRequest;
    const drain = off === true ? null : { since: START, deadlineAt: null, reason: reason ?? null };
    return changeWorker(master, params, { drain });
  },
  labelWorker: (master, { params, body }) => {
    const labels = { ...workerOf(master, params).labels };
    for (const [key, value] of Object.entries(body as LabelPatch)) {
      if (value === null) delete labels[key];
      else labels[key] = value;
    }
    return changeWorker(master, params, { labels });
  },
  listEvents: () => ({ items: [anEvent('aaaabbbbccccdddd')], next: null }),
  getTelemetry: (master) => ({
    workers: [...master.workers.keys()],
    at: [...master.workers.values()].map(({ lastSeenAt }) => (lastSeenAt === null ? null : Date.parse(lastSeenAt))),
    series: { cpu: [...master.workers.values()].map(({ usage }) => usage?.cpu ?? null) },
  }),
  getClusterTelemetry: () => ({ ...SERIES, series: { queueDepth: [1, 2] }, max: { queueDepth: [1, 3] } }),
  getWorkerTelemetry: (master, { params }) => ({
    worker: workerOf(master, params).id,
    ...SERIES,
    series: { cpu: [0.5, null] },
    max: { cpu: [0.75, null] },
  }),
  getTaskTelemetry: (master, { params }) => ({
    taskId: master.find(params.task ?? '').task.id,
    attempt: 1,
    requested: RESOURCES,
    ...SERIES,
    series: { cpuMillis: [500, null] },
    max: { cpuMillis: [900, null] },
  }),
  getTaskEfficiency: (master, { params }) => efficiencyOf(master, params.task ?? ''),
  getScheduler: scheduler,
  useScheduler: (master, { body }) => {
    const { placement = master.placement } = body as { placement?: string };
    if (!POLICIES.some(({ name }) => name === placement))
      throw new Refusal('scheduler_unknown', `There is no policy ${placement}`);
    master.placement = placement;
    return scheduler(master);
  },
  listNamespaces: (master) => ({ items: [...master.namespaces.values()], next: null }),
  putNamespace: (master, { params, body }) => {
    const { quota } = (body ?? {}) as NamespaceChange;
    const namespace = {
      name: params.namespace ?? '',
      quota: quota == null ? null : { ...RESOURCES, storageBytes: null, gpuMillis: null },
      createdAt: START,
    };
    master.namespaces.set(namespace.name, namespace);
    return namespace;
  },
  listUsers: (master) => ({ items: [...master.users.values()], next: null }),
  putUser: (master, { params, body }) => {
    const name = params.user ?? '';
    const before = master.users.get(name) ?? { name, role: 'user', namespaces: [], disabled: false, createdAt: START };
    const user = { ...before, ...(body as UserChange) };
    master.users.set(name, user);
    return user;
  },
  listTokens: (_, { params }) => ({
    items: [{ id: '4xk2m7', user: params.user, createdAt: START, expiresAt: null, revoked: false }],
    next: null,
  }),
  issueToken: () => ({ id: '5yl3n8', token: 'cai_5yl3n8_secret', expiresAt: '2027-02-20T12:00:00.000Z' }),
  revokeToken: (_, { params }) => {
    if (params.token !== '4xk2m7') throw new Refusal('token_unknown', `No token ${params.token}`);
  },
};

const POLICIES = [
  { name: 'greedy', version: 1, summary: 'The worker with the most free CPU', source: 'test' },
  { name: 'balanced', version: 1, summary: 'The least loaded worker', source: 'test' },
];
const ORDERS = [{ name: 'priority', version: 1, summary: 'Priority first', source: 'test' }];

function scheduler(master: MemoryMaster): SchedulerView {
  return {
    placement: master.placement,
    ordering: 'priority',
    backfill: 'greedy',
    starvationMs: 86_400_000,
    ageingSeconds: null,
    preemption: false,
    scopes: [],
    available: POLICIES,
    orderings: ORDERS,
    fragmentation: { freeGpuMillis: 2000, fragmentedGpuMillis: 500, freeCpuMillis: 8000, fragmentedCpuMillis: 0 },
  };
}

function submit(master: MemoryMaster, submission: TaskSubmission, jobId: string | null): TaskView {
  if (submission.resources?.cpu === 'NaN') {
    throw new Refusal('invalid_argument', 'resources.cpu: "NaN" is not a quantity', { field: 'resources.cpu' });
  }
  const task = aTask({
    id: master.newId(),
    jobId,
    name: submission.name ?? null,
    image: submission.image,
    command: Array.isArray(submission.command) ? submission.command.join(' ') : (submission.command ?? ''),
    worker: submission.worker ?? null,
    submittedAt: new Date().toISOString(),
  });
  master.addTask({ task });
  master.onSubmit(task);
  return task;
}

function readLogs(master: MemoryMaster, id: string, query: Readonly<Record<string, string>>): StreamAnswer {
  const log = master.log(id);
  const follow = query.follow === 'true';
  const wanted = (line: LogLine): boolean => {
    if (line.kind !== 'data') return true;
    if (query.stream !== undefined && line.stream !== query.stream) return false;
    return query.grep === undefined || ('text' in line && line.text.includes(query.grep));
  };
  const tail = query.tail === undefined ? null : Number(query.tail);
  async function* chunks(): AsyncGenerator<string> {
    const data = log.lines.filter(({ kind }) => kind === 'data').length;
    let skip = tail === null ? 0 : Math.max(0, data - tail);
    const cut = follow ? master.logCuts.shift() : undefined;
    for (let at = 0; ; at++) {
      while (at >= log.lines.length) {
        if (!follow || log.ended) return;
        await new Promise<void>((resolve) => {
          const wake = () => {
            log.waiting.delete(wake);
            resolve();
          };
          log.waiting.add(wake);
        });
      }
      if (cut !== undefined && at >= cut) throw new Error('cut');
      const line = log.lines[at] as LogLine;
      if (line.kind === 'data' && skip-- > 0) continue;
      if (wanted(line)) yield `${JSON.stringify(line)}\n`;
    }
  }
  return { type: 'application/x-ndjson', chunks: chunks() };
}

function workerOf(master: MemoryMaster, params: Readonly<Record<string, string>>): WorkerView {
  const worker = master.workers.get(params.worker ?? '');
  if (worker === undefined)
    throw new Refusal('worker_unknown', `No worker has the id ${params.worker}; list workers to see what there is`);
  return worker;
}

function changeWorker(
  master: MemoryMaster,
  params: Readonly<Record<string, string>>,
  fields: Partial<WorkerView>,
): WorkerView {
  const worker = { ...workerOf(master, params), ...fields };
  master.workers.set(worker.id, worker);
  return worker;
}

function queued(master: MemoryMaster): TaskView[] {
  return [...master.tasks.values()].map(({ task }) => task).filter(({ state }) => state === 'queued');
}

function countBy(values: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(Object.groupBy(values, (value) => value)).map(([key, group]) => [key, group?.length ?? 0]),
  );
}

function anEvent(taskId: string): EventView {
  return {
    sequence: 1,
    at: START,
    kind: 'taskSubmitted',
    namespace: 'default',
    taskId,
    attempt: null,
    worker: null,
    by: 'admin',
    message: createHash('sha256').update(taskId).digest('hex').slice(0, 8),
  };
}

/** Two minutes of a series; the columns are the route's. */
const SERIES = {
  from: START,
  to: new Date(Date.parse(START) + 120_000).toISOString(),
  stepMs: 60_000,
  at: [Date.parse(START), Date.parse(START) + 60_000],
};

function efficiencyOf(master: MemoryMaster, id: string) {
  const { task, attempts } = master.find(id);
  return {
    taskId: task.id,
    state: task.state,
    requested: task.resources,
    attempts: attempts.map(({ number, worker, state, startedAt, endedAt }) => ({
      attempt: number,
      worker,
      state,
      startedAt,
      endedAt,
      wallMs: 60_000,
      cpuMs: 30_000,
      cpuEfficiency: 0.5,
      memoryPeakBytes: task.resources.memoryBytes / 4,
      memoryEfficiency: 0.25,
      storagePeakBytes: 1024,
      storageEfficiency: 0.01,
      gpuMean: null,
      networkRxBytes: 2048,
      networkTxBytes: 512,
      diskReadBytes: null,
      diskWriteBytes: null,
    })),
  };
}
