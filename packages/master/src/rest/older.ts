/**
 * The routes of earlier versions. Each puts its request into the words of an operation of today and the answer into its
 * own; who may do what is decided there. What came in as `user_id` counts for nothing: the token says who calls.
 */
import type { OlderName, OperationName } from '@cloudai/api/rest';
import type { Call, LogReading, OperationsLayer } from '../operations/index.ts';
import { Rejected } from '../operations/index.ts';
import { olderDetail, olderResult, olderTask, olderTelemetry, olderWorker } from './older-views.ts';

/** Logs of then were texts in the answer; more of them is in today's route. */
const MAX_LOG_CHARACTERS = 10_000;
const MAX_LOG_LINES = 1_000;
/** Tasks whose files are listed together. */
const MAX_TASKS_WITH_FILES = 100;
const MAX_TASKS = 1_000;

export interface OlderRequest {
  readonly call: Omit<Call, 'operation'>;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Those whose answer is more than JSON are in `server.ts`: they are today's under another address. */
export type OlderJson = Exclude<OlderName, 'olderDownload' | 'olderLogIn' | 'olderLogOut'>;

type Handler = (operations: OperationsLayer, request: OlderRequest) => Promise<unknown>;

export const OLDER_HANDLERS: Readonly<Record<OlderJson, Handler>> = {
  async olderSubmitTask(operations, { call, body }) {
    const task = await operations.perform('submitTask', call, { params: {}, query: {}, body: submissionOf(body) });
    return { task_id: task.id, status: 'queued', message: `Task ${task.id} is submitted` };
  },

  async olderListTasks(operations, { call, query }) {
    const state = typeof query.status === 'string' && query.status !== '' ? { state: query.status } : {};
    const { items } = await perform(operations, call, 'listTasks', {}, { ...state, limit: MAX_TASKS });
    return { tasks: items.map(olderTask), count: items.length };
  },

  async olderGetTask(operations, { call, params }) {
    const detail = await perform(operations, call, 'getTask', params);
    const logs = detail.task.endedAt === null ? '' : await logOf(operations, call, params);
    return olderDetail(detail, logs);
  },

  async olderCancelTask(operations, { call, params }) {
    const task = await perform(operations, call, 'cancelTask', params);
    return { task_id: task.id, status: task.state, message: `Task ${task.id} is ${task.state}` };
  },

  async olderGetLogs(operations, { call, params }) {
    const { task } = await perform(operations, call, 'getTask', params);
    return { ...olderResult(task), logs: await logOf(operations, call, params) };
  },

  async olderListWorkers(operations, { call }) {
    const { items } = await perform(operations, call, 'listWorkers');
    return { workers: items.map(olderWorker), count: items.length };
  },

  async olderRegisterWorker(operations, { call, body }) {
    const { worker_id: id, worker_ip: address } = (body ?? {}) as Record<string, unknown>;
    const registration = { id, ...(address === undefined || address === '' ? {} : { address }) };
    const input = { params: {}, query: {}, body: registration };
    const { worker, joinToken, command } = await operations.perform('registerWorker', call, input);
    return {
      worker_id: worker.id,
      message: `Worker ${worker.id} is registered; start it with the command`,
      join_token: joinToken,
      command,
    };
  },

  async olderGetWorker(operations, { call, params }) {
    return olderWorker(await workerOf(operations, call, params));
  },

  async olderGetMetrics(operations, { call, params }) {
    return olderTelemetry(await workerOf(operations, call, params));
  },

  async olderListWorkerTasks(operations, { call, params }) {
    await workerOf(operations, call, params);
    const query = { state: 'assigned,running', limit: MAX_TASKS };
    const { items } = await perform(operations, call, 'listWorkerTasks', params, query);
    return { worker_id: params.worker, tasks: items.map(olderTask), count: items.length };
  },

  async olderListTelemetry(operations, { call }) {
    const { items } = await perform(operations, call, 'listWorkers');
    return Object.fromEntries(items.map((worker) => [worker.id, olderTelemetry(worker)]));
  },

  async olderGetTelemetry(operations, { call, params }) {
    return olderTelemetry(await workerOf(operations, call, params));
  },

  async olderWorkers(operations, { call }) {
    const { items } = await perform(operations, call, 'listWorkers');
    return items.map((worker) => {
      const { worker_id, is_active, last_update, running_tasks } = olderTelemetry(worker);
      return { worker_id, is_active, last_update, running_tasks_count: running_tasks.length };
    });
  },

  async olderListFiles(operations, { call }) {
    const { items } = await perform(operations, call, 'listTasks', {}, { limit: MAX_TASKS_WITH_FILES });
    const ended = items.filter(({ endedAt }) => endedAt !== null);
    const all = await Promise.all(ended.map(({ id }) => filesOf(operations, call, { task: id })));
    const files = all.filter((one) => one.files.length > 0);
    return { tasks: files, count: files.length };
  },

  async olderGetFiles(operations, { call, params }) {
    return filesOf(operations, call, params);
  },

  async olderWhoAmI(operations, { call }) {
    return { user: olderUser(await perform(operations, call, 'getSession')) };
  },

  async olderStatus(operations, { call }) {
    const cluster = await perform(operations, call, 'getCluster');
    const started = Date.parse(cluster.startedAt);
    return {
      status: cluster.store.full ? 'degraded' : 'ok',
      instances: cluster.tasks,
      workers: cluster.workers,
      scheduler: {
        placement: cluster.placement,
        queue_depth: cluster.queueDepth,
        oldest_wait_seconds: cluster.oldestWaitMs / 1000,
      },
      started_at: cluster.startedAt,
      uptime_seconds: Math.max(0, Math.floor((Date.now() - started) / 1000)),
    };
  },
};

export function olderUser({ user, role }: { readonly user: string; readonly role: string }) {
  return { name: user, email: user, role };
}

/** `{email, password}` of then: the password is a token now. */
export function olderLogin(body: unknown): unknown {
  const { token, password } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const given = token ?? password;
  return given === undefined ? {} : { token: given };
}

function perform<Name extends OperationName>(
  operations: OperationsLayer,
  call: OlderRequest['call'],
  name: Name,
  params: unknown = {},
  query: unknown = {},
) {
  return operations.perform(name, call, { params, query, body: undefined });
}

async function workerOf(operations: OperationsLayer, call: OlderRequest['call'], params: OlderRequest['params']) {
  try {
    return await perform(operations, call, 'getWorker', params);
  } catch (error) {
    if (error instanceof Rejected && error.code === 'worker_unknown')
      throw new Rejected('worker_unknown', `Worker ${params.worker} not found`);
    throw error;
  }
}

async function filesOf(operations: OperationsLayer, call: OlderRequest['call'], params: OlderRequest['params']) {
  const { items } = await perform(operations, call, 'listArtifacts', params);
  return {
    task_id: params.task,
    files: items.map(({ path, sizeBytes }) => ({
      path,
      size: sizeBytes,
      url: `/api/files/${params.task}/download/${path.split('/').map(encodeURIComponent).join('/')}`,
    })),
  };
}

/** The last lines of the newest attempt, both streams as they came. */
async function logOf(operations: OperationsLayer, call: OlderRequest['call'], params: OlderRequest['params']) {
  let reading: LogReading;
  try {
    reading = await perform(operations, call, 'readLogs', params, { tail: MAX_LOG_LINES, format: 'text' });
  } catch (error) {
    if (error instanceof Rejected && error.code === 'log_unavailable') return '';
    throw error;
  }
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of reading.pieces(new AbortController().signal))
    if (piece.kind === 'data') text = (text + decoder.decode(piece.data, { stream: true })).slice(-MAX_LOG_CHARACTERS);
  return text;
}

/** Numbers may come as text; bare ones are cores and GB. What was not asked for then is not taken now. */
function submissionOf(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const given = body as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw wrong(unknown, 'is not known here');
  const image = given.docker_image;
  if (typeof image !== 'string' || image === '') throw wrong('docker_image', 'is required');
  const labels = { tag: given.tag, k_value: given.k_value };
  return {
    image,
    ...(given.command === undefined || given.command === '' ? {} : { command: given.command }),
    resources: {
      cpu: amountOf(given, 'cpu_required', true),
      memory: amountOf(given, 'memory_required', true),
      ...optional('storage', amountOf(given, 'storage_required', false)),
      ...optional('gpu', amountOf(given, 'gpu_required', false)),
    },
    labels: Object.fromEntries(
      Object.entries(labels).flatMap(([key, value]) =>
        typeof value === 'string' || typeof value === 'number' ? [[key, String(value)]] : [],
      ),
    ),
  };
}

const FIELDS: ReadonlySet<string> = new Set([
  'docker_image',
  'command',
  'cpu_required',
  'memory_required',
  'gpu_required',
  'storage_required',
  'user_id',
  'tag',
  'k_value',
]);

function amountOf(given: Readonly<Record<string, unknown>>, name: string, isRequired: boolean): number | undefined {
  const value = given[name];
  if (value === undefined || value === '') {
    if (isRequired) throw wrong(name, 'is required and has to be more than 0');
    return undefined;
  }
  const number = typeof value === 'string' && /^[\d.]{1,20}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || number < 0 || (isRequired && number === 0))
    throw wrong(name, `has to be a number ${isRequired ? 'more than 0' : 'from 0'}`);
  return number;
}

/** Nothing asked for was written as 0 then. */
function optional(name: string, amount: number | undefined): Record<string, number> {
  return amount === undefined || amount === 0 ? {} : { [name]: amount };
}

function wrong(field: string, message: string): Rejected {
  return new Rejected('invalid_argument', `${field}: ${message}`, { field });
}
