import type {
  ArtifactView,
  CancelRequest,
  ClusterTelemetryView,
  ClusterView,
  DrainRequest,
  EfficiencyView,
  EventView,
  ExplanationView,
  JobSubmission,
  JobSubmitted,
  LabelPatch,
  List,
  LoginCodeView,
  NamespaceChange,
  NamespaceView,
  OperationInput,
  QueueView,
  SchedulerView,
  SessionRequest,
  SessionView,
  TaskDetail,
  TaskPatch,
  TaskSubmission,
  TaskTelemetryView,
  TaskView,
  TelemetryView,
  TokenIssued,
  TokenRequest,
  TokenView,
  UserChange,
  UserView,
  VersionView,
  WorkerRegistered,
  WorkerRegistration,
  WorkerTelemetryView,
  WorkerView,
} from '@cloudai/api/rest';
import { type LogQuery, type OperationName, ROUTES, type TaskQuery } from '@cloudai/api/routes';
import { createTransport } from '#transport';
import { openSocket } from '#watch-socket';
import { toApiError } from './api-error.ts';
import { Listing } from './listing.ts';
import type { LogRecord } from './log-position.ts';
import { readLog } from './log-reader.ts';
import {
  backoffMs,
  DEFAULT_RETRY,
  type Repeatable,
  type RetryNotice,
  type RetryOptions,
  sleep,
  transient,
} from './retry.ts';
import type { Transport, TransportResponse } from './transport/transport.ts';
import { fillPath, type Query, queryString } from './url.ts';
import { type WaitOptions, waitForTask } from './wait.ts';
import { Watch, type WatchOptions, watchUrl } from './watch/watch.ts';

export interface CloudAIOptions {
  /** Where the master answers, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Bearer token; a browser may rely on its cookie instead. */
  readonly token?: string | null;
  /** Namespace of everything this client submits and lists. The master's default without it. */
  readonly namespace?: string | null;
  /** PEM of the cluster's certificate authority, for `https:` with a certificate of its own. Node only. */
  readonly ca?: string | null;
  readonly retry?: Partial<RetryOptions>;
  readonly onRetry?: (notice: RetryNotice) => void;
  /** Longest wait for an answer to begin, ms. Default 30,000. */
  readonly answerTimeoutMs?: number;
  readonly userAgent?: string;
  /** For tests and unusual networks. */
  readonly transport?: Transport;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface SubmitOptions extends CallOptions {
  /** Made by the client when left out. Reuse one to make a repeat from a new process safe. */
  readonly idempotencyKey?: string;
  readonly namespace?: string;
}

export interface ArtifactContent {
  readonly sizeBytes: number | null;
  readonly stream: AsyncIterable<Uint8Array>;
}

interface Call {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly repeatable?: Repeatable;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The client of the REST API: a method for every operation. Calls reject with an `ApiError` (the master refused, with
 * a code of the catalogue) or a `ConnectionError` (no answer). What can be repeated without harm is repeated after a
 * lost connection and a 503, within bounds; submits carry an Idempotency-Key so that they are such calls.
 */
export class CloudAI {
  readonly #url: string;
  readonly #namespace: string | null;
  readonly #token: string | null;
  readonly #ca: string | null;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #retry: RetryOptions;
  readonly #onRetry: ((notice: RetryNotice) => void) | null;
  readonly #answerTimeoutMs: number;
  readonly #transport: Transport;

  constructor(options: CloudAIOptions) {
    this.#url = options.url.replace(/\/+$/, '');
    this.#namespace = options.namespace ?? null;
    this.#token = options.token ?? null;
    this.#ca = options.ca ?? null;
    this.#headers = {
      accept: 'application/json',
      // The cookie of a browser comes along by itself; the header shows that a page of the master meant the request.
      ...(options.token == null ? { 'x-cloudai-csrf': '1' } : { authorization: `Bearer ${options.token}` }),
      ...(options.userAgent === undefined ? {} : { 'user-agent': options.userAgent }),
    };
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
    this.#onRetry = options.onRetry ?? null;
    this.#answerTimeoutMs = options.answerTimeoutMs ?? 30_000;
    this.#transport = options.transport ?? createTransport({ ca: options.ca ?? null });
  }

  // The cluster

  getVersion(options?: CallOptions): Promise<VersionView> {
    return this.#json('getVersion', { ...options });
  }

  getCluster(options?: CallOptions): Promise<ClusterView> {
    return this.#json('getCluster', { ...options });
  }

  /** Events after a sequence number, oldest first. */
  listEvents(query: OperationInput<'listEvents'> = {}): Listing<EventView> {
    return this.#list('listEvents', {}, { namespace: this.#namespace ?? undefined, ...query }, 'after');
  }

  /** The newest measurement of every worker. */
  getTelemetry(options?: CallOptions): Promise<TelemetryView> {
    return this.#json('getTelemetry', { ...options });
  }

  /** Capacity, use, queue and throughput; of the last hour without a range. */
  getClusterTelemetry(
    query: OperationInput<'getClusterTelemetry'> = {},
    options?: CallOptions,
  ): Promise<ClusterTelemetryView> {
    return this.#json('getClusterTelemetry', { query: { ...query }, ...options });
  }

  getScheduler(options?: CallOptions): Promise<SchedulerView> {
    return this.#json('getScheduler', { ...options });
  }

  useScheduler(placement: string): Promise<SchedulerView> {
    return this.#json('useScheduler', { body: { placement } });
  }

  // Tasks

  submitTask(task: TaskSubmission, options?: SubmitOptions): Promise<TaskView> {
    return this.#submit('submitTask', task, options);
  }

  /** All of the tasks or none. */
  submitJob(job: JobSubmission, options?: SubmitOptions): Promise<JobSubmitted> {
    return this.#submit('submitJob', job, options);
  }

  listTasks(query: TaskQuery = {}): Listing<TaskView> {
    return this.#list('listTasks', {}, { namespace: this.#namespace ?? undefined, ...query });
  }

  /** By id or by any prefix of it that fits only one task; so for all methods that take a task. */
  getTask(task: string, options?: CallOptions): Promise<TaskDetail> {
    return this.#json('getTask', { params: { task }, ...options });
  }

  explainTask(task: string, options?: CallOptions): Promise<ExplanationView> {
    return this.#json('explainTask', { params: { task }, ...options });
  }

  listTaskEvents(task: string): Listing<EventView> {
    return this.#list('listTaskEvents', { task }, {}, 'after');
  }

  /** Answers the task as it then is; cancelling one that has ended changes nothing. */
  cancelTask(task: string, body: CancelRequest = {}, options?: CallOptions): Promise<TaskView> {
    return this.#json('cancelTask', { params: { task }, body, repeatable: 'always', ...options });
  }

  /** A new task with the spec of an ended one. */
  retryTask(task: string, options?: Omit<SubmitOptions, 'namespace'>): Promise<TaskView> {
    return this.#json('retryTask', { params: { task }, ...repeatable(options) });
  }

  /** What an attempt used over time: its whole life without a range, the newest without a number. */
  getTaskTelemetry(
    task: string,
    query: Omit<OperationInput<'getTaskTelemetry'>, 'task'> = {},
    options?: CallOptions,
  ): Promise<TaskTelemetryView> {
    return this.#json('getTaskTelemetry', { params: { task }, query: { ...query }, ...options });
  }

  /** What each attempt used of what was asked for. */
  getTaskEfficiency(task: string, options?: CallOptions): Promise<EfficiencyView> {
    return this.#json('getTaskEfficiency', { params: { task }, ...options });
  }

  updateTask(task: string, change: TaskPatch, options?: CallOptions): Promise<TaskView> {
    return this.#json('updateTask', { params: { task }, body: change, repeatable: 'always', ...options });
  }

  /**
   * The log in order of arrival. With `follow` it goes on until the task has ended. A broken connection is taken up
   * again where it broke: no byte is missing or repeated.
   */
  readLogs(task: string, query: Omit<LogQuery, 'format'> = {}, options: CallOptions = {}): AsyncIterable<LogRecord> {
    return readLog({
      open: async (current) =>
        (await this.#send('readLogs', { params: { task }, query: { ...current }, ...options })).body,
      query,
      retry: this.#retry,
      signal: options.signal ?? null,
      onRetry: this.#onRetry,
    });
  }

  /** Waits until the task has ended, over restarts of the master. */
  waitForTask(task: string, options: WaitOptions = {}): Promise<TaskDetail> {
    return waitForTask((signal) => this.getTask(task, { signal }), options);
  }

  listArtifacts(task: string): Listing<ArtifactView> {
    return this.#list('listArtifacts', { task }, {});
  }

  async getArtifact(
    task: string,
    path: string,
    query: { readonly attempt?: number } = {},
    options?: CallOptions,
  ): Promise<ArtifactContent> {
    const response = await this.#send('getArtifact', { params: { task, path }, query: { ...query }, ...options });
    const length = response.header('content-length');
    return { sizeBytes: length === null ? null : Number(length), stream: response.body };
  }

  getQueue(
    query: { readonly limit?: number; readonly namespace?: string } = {},
    options?: CallOptions,
  ): Promise<QueueView> {
    return this.#json('getQueue', { query: { namespace: this.#namespace ?? undefined, ...query }, ...options });
  }

  // Workers

  /** All but the revoked ones, unless states are named (comma-separated). */
  listWorkers(query: OperationInput<'listWorkers'> = {}): Listing<WorkerView> {
    return this.#list('listWorkers', {}, { ...query });
  }

  getWorker(worker: string, options?: CallOptions): Promise<WorkerView> {
    return this.#json('getWorker', { params: { worker }, ...options });
  }

  /** Of the last hour without a range. */
  getWorkerTelemetry(
    worker: string,
    query: Omit<OperationInput<'getWorkerTelemetry'>, 'worker'> = {},
    options?: CallOptions,
  ): Promise<WorkerTelemetryView> {
    return this.#json('getWorkerTelemetry', { params: { worker }, query: { ...query }, ...options });
  }

  /** The join token in the answer is shown this once. */
  registerWorker(registration: WorkerRegistration): Promise<WorkerRegistered> {
    return this.#json('registerWorker', { body: registration });
  }

  async unregisterWorker(worker: string, query: { readonly force?: boolean } = {}): Promise<void> {
    await this.#empty('unregisterWorker', { params: { worker }, query: { ...query } });
  }

  drainWorker(worker: string, request: DrainRequest = {}): Promise<WorkerView> {
    return this.#json('drainWorker', { params: { worker }, body: request, repeatable: 'always' });
  }

  /** Sets labels; null removes one. */
  labelWorker(worker: string, labels: LabelPatch): Promise<WorkerView> {
    return this.#json('labelWorker', { params: { worker }, body: labels, repeatable: 'always' });
  }

  // Tenancy

  listNamespaces(): Listing<NamespaceView> {
    return this.#list('listNamespaces', {}, {});
  }

  putNamespace(namespace: string, change: NamespaceChange = {}): Promise<NamespaceView> {
    return this.#json('putNamespace', { params: { namespace }, body: change });
  }

  listUsers(): Listing<UserView> {
    return this.#list('listUsers', {}, {});
  }

  putUser(user: string, change: UserChange = {}): Promise<UserView> {
    return this.#json('putUser', { params: { user }, body: change });
  }

  listTokens(user: string): Listing<TokenView> {
    return this.#list('listTokens', { user }, {});
  }

  issueToken(user: string, body: TokenRequest = {}): Promise<TokenIssued> {
    return this.#json('issueToken', { params: { user }, body });
  }

  async revokeToken(token: string): Promise<void> {
    await this.#empty('revokeToken', { params: { token } });
  }

  // Sessions of browsers

  /** Logs in: the browser keeps the session in a cookie that no script can read. */
  createSession(login: SessionRequest, options?: CallOptions): Promise<SessionView> {
    return this.#json('createSession', { body: login, ...options });
  }

  /** Who I am. */
  getSession(options?: CallOptions): Promise<SessionView> {
    return this.#json('getSession', { ...options });
  }

  /** Logs out. */
  async endSession(): Promise<void> {
    await this.#empty('endSession', {});
  }

  /** A code that logs a browser in once, with the rights of this client. */
  createLoginCode(options?: CallOptions): Promise<LoginCodeView> {
    return this.#json('createLoginCode', { ...options });
  }

  // Live

  /**
   * Opens a connection over which topics can be watched: events, tasks, workers, queue, cluster, telemetry, logs. It is
   * opened again by itself, and subscriptions go on where they were, until `close()` or a token that is no good.
   */
  watch(options: WatchOptions = {}): Watch {
    return new Watch(
      {
        openSocket,
        socket: {
          url: watchUrl(this.#absoluteUrl()),
          token: this.#token,
          ca: this.#ca,
          userAgent: this.#headers['user-agent'] ?? null,
          openTimeoutMs: this.#answerTimeoutMs,
        },
        namespace: this.#namespace,
        probe: async () => {
          for await (const _ of (await this.#once('getVersion', {})).body); // Read to its end.
        },
      },
      options,
    );
  }

  /** Closes idle connections. A watch has a `close` of its own. */
  close(): void {
    this.#transport.close();
  }

  /** A page may name its own master by a path, or by nothing. */
  #absoluteUrl(): string {
    const { location } = globalThis as { location?: { readonly href: string } };
    return location === undefined ? this.#url : new URL(this.#url, location.href).href.replace(/\/+$/, '');
  }

  #submit<T>(operation: 'submitTask' | 'submitJob', body: unknown, options?: SubmitOptions): Promise<T> {
    const query = { namespace: options?.namespace ?? this.#namespace ?? undefined };
    return this.#json(operation, { query, body, ...repeatable(options) });
  }

  #list<T>(
    operation: OperationName,
    params: Readonly<Record<string, string>>,
    query: Query,
    cursorName: 'cursor' | 'after' = 'cursor',
  ): Listing<T> {
    return new Listing(async (cursor) => {
      const response = await this.#send(operation, {
        params,
        query: cursor === null ? query : { ...query, [cursorName]: cursor },
      });
      const sequence = response.header('x-cloudai-sequence');
      const list = JSON.parse(await text(response)) as List<T>;
      return { ...list, sequence: sequence === null ? null : Number(sequence) };
    });
  }

  async #empty(operation: OperationName, call: Call): Promise<void> {
    for await (const _ of (await this.#send(operation, call)).body); // Read to its end, so that the connection is free again.
  }

  async #json<T>(operation: OperationName, call: Call): Promise<T> {
    return JSON.parse(await text(await this.#send(operation, call))) as T;
  }

  /** The answer when it is a success; everything else is thrown, after the repeats that are allowed. */
  async #send(operation: OperationName, call: Call): Promise<TransportResponse> {
    const repeatable = call.repeatable ?? (ROUTES[operation].method === 'POST' ? 'unsent' : 'always');
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(operation, call);
      } catch (error) {
        const cause = call.signal?.aborted === true ? null : transient(error, repeatable);
        if (cause === null || attempt > this.#retry.limit) throw error;
        const waitMs = backoffMs(attempt, this.#retry, 'retryAfterMs' in cause ? cause.retryAfterMs : null);
        this.#onRetry?.({ error: cause, attempt, limit: this.#retry.limit, waitMs });
        await sleep(waitMs, call.signal ?? null);
      }
    }
  }

  async #once(operation: OperationName, call: Call): Promise<TransportResponse> {
    const route = ROUTES[operation];
    const url = this.#url + fillPath(route.path, call.params ?? {}) + queryString(call.query ?? {});
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    const response = await this.#transport.send({
      method: route.method,
      url,
      headers: { ...this.#headers, ...call.headers, ...(body === null ? {} : { 'content-type': 'application/json' }) },
      body,
      signal: call.signal ?? null,
      answerTimeoutMs: this.#answerTimeoutMs,
    });
    if (response.status >= 200 && response.status < 300) return response;
    throw toApiError(response.status, await text(response), new URL(url).host, response.header('retry-after'));
  }
}

/** A submit that may be sent again: the master answers a second one with the same key as it answered the first. */
function repeatable(options: SubmitOptions = {}): Pick<Call, 'headers' | 'repeatable' | 'signal'> {
  return {
    headers: { 'idempotency-key': options.idempotencyKey ?? crypto.randomUUID() },
    repeatable: 'always',
    signal: options.signal,
  };
}

async function text(response: TransportResponse): Promise<string> {
  const decoder = new TextDecoder();
  let whole = '';
  for await (const chunk of response.body) whole += decoder.decode(chunk, { stream: true });
  return whole + decoder.decode();
}
