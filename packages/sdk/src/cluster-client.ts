import type {
  ClusterTelemetryView,
  ClusterView,
  DrainRequest,
  EventView,
  LabelPatch,
  LoginCodeView,
  NamespaceChange,
  NamespaceView,
  OperationInput,
  SchedulerChoice,
  SchedulerView,
  SessionRequest,
  SessionView,
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
import type { Caller, CallOptions } from './caller.ts';
import type { Listing } from './listing.ts';
import { type Timeline, timelineCursor } from './timeline.ts';

/** The half of the client that is about the cluster and not about single tasks. */
export class ClusterClient {
  protected readonly caller: Caller;

  constructor(caller: Caller) {
    this.caller = caller;
  }

  // The cluster

  getVersion(options?: CallOptions): Promise<VersionView> {
    return this.caller.json('getVersion', { ...options });
  }

  getCluster(options?: CallOptions): Promise<ClusterView> {
    return this.caller.json('getCluster', { ...options });
  }

  /** Events after a sequence number, oldest first; with the order `newest` those before one, newest first. */
  listEvents(query: OperationInput<'listEvents'> = {}): Listing<EventView> {
    return this.caller.list(
      'listEvents',
      {},
      { namespace: this.caller.namespace ?? undefined, ...query },
      timelineCursor(query),
    );
  }

  /** The newest measurement of every worker. */
  getTelemetry(options?: CallOptions): Promise<TelemetryView> {
    return this.caller.json('getTelemetry', { ...options });
  }

  /** Capacity, use, queue and throughput; of the last hour without a range. */
  getClusterTelemetry(
    query: OperationInput<'getClusterTelemetry'> = {},
    options?: CallOptions,
  ): Promise<ClusterTelemetryView> {
    return this.caller.json('getClusterTelemetry', { query: { ...query }, ...options });
  }

  getScheduler(options?: CallOptions): Promise<SchedulerView> {
    return this.caller.json('getScheduler', { ...options });
  }

  /** The placement policy alone, or everything that there is to choose; what is left out stays as it is. */
  useScheduler(choice: string | SchedulerChoice): Promise<SchedulerView> {
    return this.caller.json('useScheduler', { body: typeof choice === 'string' ? { placement: choice } : choice });
  }

  // Workers

  /** All but the revoked ones, unless states are named (comma-separated). */
  listWorkers(query: OperationInput<'listWorkers'> = {}): Listing<WorkerView> {
    return this.caller.list('listWorkers', {}, { ...query });
  }

  getWorker(worker: string, options?: CallOptions): Promise<WorkerView> {
    return this.caller.json('getWorker', { params: { worker }, ...options });
  }

  /** Of the last hour without a range. */
  getWorkerTelemetry(
    worker: string,
    query: Omit<OperationInput<'getWorkerTelemetry'>, 'worker'> = {},
    options?: CallOptions,
  ): Promise<WorkerTelemetryView> {
    return this.caller.json('getWorkerTelemetry', { params: { worker }, query: { ...query }, ...options });
  }

  listWorkerTasks(worker: string, query: Omit<OperationInput<'listWorkerTasks'>, 'worker'> = {}): Listing<TaskView> {
    return this.caller.list('listWorkerTasks', { worker }, { ...query });
  }

  listWorkerEvents(worker: string, query: Timeline = {}): Listing<EventView> {
    return this.caller.list('listWorkerEvents', { worker }, { ...query }, timelineCursor(query));
  }

  /** The join token in the answer is shown this once. */
  registerWorker(registration: WorkerRegistration): Promise<WorkerRegistered> {
    return this.caller.json('registerWorker', { body: registration });
  }

  async unregisterWorker(worker: string, query: { readonly force?: boolean } = {}): Promise<void> {
    await this.caller.empty('unregisterWorker', { params: { worker }, query: { ...query } });
  }

  drainWorker(worker: string, request: DrainRequest = {}): Promise<WorkerView> {
    return this.caller.json('drainWorker', { params: { worker }, body: request, repeatable: 'always' });
  }

  /** Sets labels; null removes one. */
  labelWorker(worker: string, labels: LabelPatch): Promise<WorkerView> {
    return this.caller.json('labelWorker', { params: { worker }, body: labels, repeatable: 'always' });
  }

  // Tenancy

  listNamespaces(): Listing<NamespaceView> {
    return this.caller.list('listNamespaces', {}, {});
  }

  putNamespace(namespace: string, change: NamespaceChange = {}): Promise<NamespaceView> {
    return this.caller.json('putNamespace', { params: { namespace }, body: change });
  }

  listUsers(): Listing<UserView> {
    return this.caller.list('listUsers', {}, {});
  }

  putUser(user: string, change: UserChange = {}): Promise<UserView> {
    return this.caller.json('putUser', { params: { user }, body: change });
  }

  listTokens(user: string): Listing<TokenView> {
    return this.caller.list('listTokens', { user }, {});
  }

  issueToken(user: string, body: TokenRequest = {}): Promise<TokenIssued> {
    return this.caller.json('issueToken', { params: { user }, body });
  }

  async revokeToken(token: string): Promise<void> {
    await this.caller.empty('revokeToken', { params: { token } });
  }

  // Sessions of browsers

  /** Logs in: the browser keeps the session in a cookie that no script can read. */
  createSession(login: SessionRequest, options?: CallOptions): Promise<SessionView> {
    return this.caller.json('createSession', { body: login, ...options });
  }

  /** Who I am. */
  getSession(options?: CallOptions): Promise<SessionView> {
    return this.caller.json('getSession', { ...options });
  }

  /** Logs out. */
  async endSession(): Promise<void> {
    await this.caller.empty('endSession', {});
  }

  /** A code that logs a browser in once, with the rights of this client. */
  createLoginCode(options?: CallOptions): Promise<LoginCodeView> {
    return this.caller.json('createLoginCode', { ...options });
  }
}
