import type {
  ArtifactView,
  AttemptView,
  BulkResult,
  CancelRequest,
  EfficiencyView,
  EventView,
  ExplanationView,
  JobSubmission,
  JobSubmitted,
  JobView,
  OperationInput,
  QueueView,
  TaskDetail,
  TaskPatch,
  TaskPreview,
  TaskSelection,
  TaskSubmission,
  TaskTelemetryView,
  TaskView,
} from '@cloudai/api/rest';
import type { LogQuery, TaskQuery } from '@cloudai/api/routes';
import { openSocket } from '#watch-socket';
import { Caller, type CallOptions, type CloudAIOptions, repeatable, type SubmitOptions } from './caller.ts';
import { ClusterClient } from './cluster-client.ts';
import type { Listing } from './listing.ts';
import type { LogRecord } from './log-position.ts';
import { readLog } from './log-reader.ts';
import { type Timeline, timelineCursor } from './timeline.ts';
import type { TransportResponse } from './transport/transport.ts';
import { type WaitOptions, waitForTask } from './wait.ts';
import { Watch, type WatchOptions, watchUrl } from './watch/watch.ts';

export type { CallOptions, CloudAIOptions, SubmitOptions } from './caller.ts';

export interface ArtifactContent {
  readonly sizeBytes: number | null;
  readonly stream: AsyncIterable<Uint8Array>;
}

/**
 * The client of the REST API: a method for every operation. Calls reject with an `ApiError` (the master refused, with
 * a code of the catalogue) or a `ConnectionError` (no answer). What can be repeated without harm is repeated after a
 * lost connection and a 503, within bounds; submits carry an Idempotency-Key so that they are such calls.
 */
export class CloudAI extends ClusterClient {
  constructor(options: CloudAIOptions) {
    super(new Caller(options));
  }

  // Tasks

  /** What would become of a task: whether it would be taken, where it would start, or what it would wait for. */
  validateTask(task: TaskSubmission, options?: Omit<SubmitOptions, 'idempotencyKey'>): Promise<TaskPreview> {
    const query = { namespace: options?.namespace ?? this.caller.namespace ?? undefined };
    return this.caller.json('validateTask', { query, body: task, repeatable: 'always', signal: options?.signal });
  }

  submitTask(task: TaskSubmission, options?: SubmitOptions): Promise<TaskView> {
    return this.caller.submit('submitTask', task, options);
  }

  /** All of the tasks or none. */
  submitJob(job: JobSubmission, options?: SubmitOptions): Promise<JobSubmitted> {
    return this.caller.submit('submitJob', job, options);
  }

  listTasks(query: TaskQuery = {}): Listing<TaskView> {
    return this.caller.list('listTasks', {}, { namespace: this.caller.namespace ?? undefined, ...query });
  }

  /** By id or by any prefix of it that fits only one task; so for all methods that take a task. */
  getTask(task: string, options?: CallOptions): Promise<TaskDetail> {
    return this.caller.json('getTask', { params: { task }, ...options });
  }

  explainTask(task: string, options?: CallOptions): Promise<ExplanationView> {
    return this.caller.json('explainTask', { params: { task }, ...options });
  }

  listAttempts(task: string): Listing<AttemptView> {
    return this.caller.list('listAttempts', { task }, {});
  }

  listTaskEvents(task: string, query: Timeline = {}): Listing<EventView> {
    return this.caller.list('listTaskEvents', { task }, { ...query }, timelineCursor(query));
  }

  /** Answers the task as it then is; cancelling one that has ended changes nothing. */
  cancelTask(task: string, body: CancelRequest = {}, options?: CallOptions): Promise<TaskView> {
    return this.caller.json('cancelTask', { params: { task }, body, repeatable: 'always', ...options });
  }

  /** Cancels many, by id or by filter; each has an outcome of its own. */
  cancelTasks(selection: TaskSelection, options?: CallOptions): Promise<BulkResult> {
    return this.caller.json('cancelTasks', { body: selection, repeatable: 'always', ...options });
  }

  /** Retries many ended ones, by id or by filter; each has an outcome of its own. */
  retryTasks(selection: TaskSelection, options?: Omit<SubmitOptions, 'namespace'>): Promise<BulkResult> {
    return this.caller.json('retryTasks', { body: selection, ...repeatable(options) });
  }

  /** A new task with the spec of an ended one. */
  retryTask(task: string, options?: Omit<SubmitOptions, 'namespace'>): Promise<TaskView> {
    return this.caller.json('retryTask', { params: { task }, ...repeatable(options) });
  }

  /** What an attempt used over time: its whole life without a range, the newest without a number. */
  getTaskTelemetry(
    task: string,
    query: Omit<OperationInput<'getTaskTelemetry'>, 'task'> = {},
    options?: CallOptions,
  ): Promise<TaskTelemetryView> {
    return this.caller.json('getTaskTelemetry', { params: { task }, query: { ...query }, ...options });
  }

  /** What each attempt used of what was asked for. */
  getTaskEfficiency(task: string, options?: CallOptions): Promise<EfficiencyView> {
    return this.caller.json('getTaskEfficiency', { params: { task }, ...options });
  }

  updateTask(task: string, change: TaskPatch, options?: CallOptions): Promise<TaskView> {
    return this.caller.json('updateTask', { params: { task }, body: change, repeatable: 'always', ...options });
  }

  /**
   * The log in order of arrival. With `follow` it goes on until the task has ended. A broken connection is taken up
   * again where it broke: no byte is missing or repeated.
   */
  readLogs(task: string, query: Omit<LogQuery, 'format'> = {}, options: CallOptions = {}): AsyncIterable<LogRecord> {
    return readLog({
      open: async (current) =>
        (await this.caller.send('readLogs', { params: { task }, query: { ...current }, ...options })).body,
      query,
      retry: this.caller.retry,
      signal: options.signal ?? null,
      onRetry: this.caller.onRetry,
    });
  }

  listJobs(query: OperationInput<'listJobs'> = {}): Listing<JobView> {
    return this.caller.list('listJobs', {}, { namespace: this.caller.namespace ?? undefined, ...query });
  }

  getJob(job: string, options?: CallOptions): Promise<JobView> {
    return this.caller.json('getJob', { params: { job }, ...options });
  }

  /** Cancels what has not ended of it. */
  cancelJob(job: string, body: CancelRequest = {}, options?: CallOptions): Promise<BulkResult> {
    return this.caller.json('cancelJob', { params: { job }, body, repeatable: 'always', ...options });
  }

  /** Waits until the task has ended, over restarts of the master. */
  waitForTask(task: string, options: WaitOptions = {}): Promise<TaskDetail> {
    return waitForTask((signal) => this.getTask(task, { signal }), options);
  }

  listArtifacts(task: string): Listing<ArtifactView> {
    return this.caller.list('listArtifacts', { task }, {});
  }

  async getArtifact(
    task: string,
    path: string,
    query: { readonly attempt?: number } = {},
    options?: CallOptions,
  ): Promise<ArtifactContent> {
    const response = await this.caller.send('getArtifact', { params: { task, path }, query: { ...query }, ...options });
    return contentOf(response);
  }

  /** All files of an attempt as a tar archive: of the newest that left any, unless one is named. */
  async getArchive(
    task: string,
    query: { readonly attempt?: number } = {},
    options?: CallOptions,
  ): Promise<ArtifactContent> {
    return contentOf(await this.caller.send('getArchive', { params: { task }, query: { ...query }, ...options }));
  }

  getQueue(query: OperationInput<'getQueue'> = {}, options?: CallOptions): Promise<QueueView> {
    return this.caller.json('getQueue', {
      query: { namespace: this.caller.namespace ?? undefined, ...query },
      ...options,
    });
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
          url: watchUrl(this.caller.absoluteUrl()),
          token: this.caller.token,
          ca: this.caller.ca,
          userAgent: this.caller.userAgent,
          openTimeoutMs: this.caller.answerTimeoutMs,
        },
        namespace: this.caller.namespace,
        probe: async () => {
          for await (const _ of (await this.caller.once('getVersion', {})).body); // Read to its end.
        },
      },
      options,
    );
  }

  /** Closes idle connections. A watch has a `close` of its own. */
  close(): void {
    this.caller.close();
  }
}

function contentOf(response: TransportResponse): ArtifactContent {
  const length = response.header('content-length');
  return { sizeBytes: length === null ? null : Number(length), stream: response.body };
}
