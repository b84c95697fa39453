/**
 * Every operation of the REST API by name: method, path, success status. The master binds a handler and
 * an entry of the authorisation table to each; the SDK makes a method of each; OpenAPI lists each.
 * What goes in and comes out is in `operations.ts`. This file imports nothing, so that clients load it alone
 * (`@cloudai/api/routes`).
 */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly status: number;
  readonly summary: string;
  /** Takes no token. */
  readonly open?: true;
}

export const ROUTES = {
  getVersion: { method: 'GET', path: '/api/v1/version', status: 200, summary: 'Version of master and API' },
  getCluster: {
    method: 'GET',
    path: '/api/v1/cluster',
    status: 200,
    summary: 'State of the cluster in numbers',
  },
  submitTask: { method: 'POST', path: '/api/v1/tasks', status: 201, summary: 'Submit one task' },
  validateTask: {
    method: 'POST',
    path: '/api/v1/tasks/validate',
    status: 200,
    summary: 'What would become of a task, without submitting it',
  },
  submitJob: {
    method: 'POST',
    path: '/api/v1/jobs',
    status: 201,
    summary: 'Submit many tasks, all or nothing',
  },
  listTasks: { method: 'GET', path: '/api/v1/tasks', status: 200, summary: 'List tasks' },
  listJobs: { method: 'GET', path: '/api/v1/jobs', status: 200, summary: 'List jobs, the newest first' },
  getJob: { method: 'GET', path: '/api/v1/jobs/{job}', status: 200, summary: 'One job and how far its tasks are' },
  cancelJob: {
    method: 'POST',
    path: '/api/v1/jobs/{job}/cancel',
    status: 200,
    summary: 'Cancel what has not ended of a job',
  },
  getTask: {
    method: 'GET',
    path: '/api/v1/tasks/{task}',
    status: 200,
    summary: 'One task with its spec and attempts',
  },
  explainTask: {
    method: 'GET',
    path: '/api/v1/tasks/{task}/explain',
    status: 200,
    summary: 'Why a task waits, per worker',
  },
  listAttempts: {
    method: 'GET',
    path: '/api/v1/tasks/{task}/attempts',
    status: 200,
    summary: 'Attempts of a task, oldest first',
  },
  listTaskEvents: {
    method: 'GET',
    path: '/api/v1/tasks/{task}/events',
    status: 200,
    summary: 'Timeline of a task',
  },
  cancelTask: {
    method: 'POST',
    path: '/api/v1/tasks/{task}/cancel',
    status: 200,
    summary: 'Cancel a task; answers its state',
  },
  retryTask: {
    method: 'POST',
    path: '/api/v1/tasks/{task}/retry',
    status: 201,
    summary: 'Submit a new task with the spec of an ended one',
  },
  cancelTasks: {
    method: 'POST',
    path: '/api/v1/tasks/cancel',
    status: 200,
    summary: 'Cancel many tasks, by id or filter',
  },
  retryTasks: {
    method: 'POST',
    path: '/api/v1/tasks/retry',
    status: 200,
    summary: 'Retry many ended tasks, by id or filter',
  },
  updateTask: {
    method: 'PATCH',
    path: '/api/v1/tasks/{task}',
    status: 200,
    summary: 'Change the priority of a waiting task',
  },
  readLogs: {
    method: 'GET',
    path: '/api/v1/tasks/{task}/logs',
    status: 200,
    summary: 'Log of a task: history, search, follow',
  },
  listArtifacts: {
    method: 'GET',
    path: '/api/v1/tasks/{task}/artifacts',
    status: 200,
    summary: 'Files that the task left in /output',
  },
  getArtifact: {
    method: 'GET',
    path: '/api/v1/tasks/{task}/artifacts/{path}',
    status: 200,
    summary: 'Download one of them',
  },
  getArchive: {
    method: 'GET',
    path: '/api/v1/tasks/{task}/archive',
    status: 200,
    summary: 'Download all files of an attempt as one tar archive',
  },
  getQueue: { method: 'GET', path: '/api/v1/queue', status: 200, summary: 'Waiting tasks in order' },
  listWorkers: { method: 'GET', path: '/api/v1/workers', status: 200, summary: 'List workers' },
  getWorker: {
    method: 'GET',
    path: '/api/v1/workers/{worker}',
    status: 200,
    summary: 'One worker with usage and running tasks',
  },
  listWorkerTasks: {
    method: 'GET',
    path: '/api/v1/workers/{worker}/tasks',
    status: 200,
    summary: 'Tasks with an attempt on a worker',
  },
  listWorkerEvents: {
    method: 'GET',
    path: '/api/v1/workers/{worker}/events',
    status: 200,
    summary: 'Timeline of a worker',
  },
  registerWorker: {
    method: 'POST',
    path: '/api/v1/workers',
    status: 201,
    summary: 'Admit a worker; answers its join token',
  },
  unregisterWorker: {
    method: 'DELETE',
    path: '/api/v1/workers/{worker}',
    status: 204,
    summary: 'Revoke a worker',
  },
  drainWorker: {
    method: 'POST',
    path: '/api/v1/workers/{worker}/drain',
    status: 200,
    summary: 'Start or end a drain',
  },
  labelWorker: {
    method: 'PATCH',
    path: '/api/v1/workers/{worker}/labels',
    status: 200,
    summary: 'Set labels; null removes one',
  },
  listEvents: {
    method: 'GET',
    path: '/api/v1/events',
    status: 200,
    summary: 'Events of the cluster after a sequence',
  },
  getTelemetry: {
    method: 'GET',
    path: '/api/v1/telemetry',
    status: 200,
    summary: 'Newest measurements of all workers',
  },
  getClusterTelemetry: {
    method: 'GET',
    path: '/api/v1/telemetry/cluster',
    status: 200,
    summary: 'Capacity, use, queue and throughput over time',
  },
  getWorkerTelemetry: {
    method: 'GET',
    path: '/api/v1/workers/{worker}/telemetry',
    status: 200,
    summary: 'Measurements of a worker over time',
  },
  getTaskTelemetry: {
    method: 'GET',
    path: '/api/v1/tasks/{task}/telemetry',
    status: 200,
    summary: 'Measurements of an attempt over time',
  },
  getTaskEfficiency: {
    method: 'GET',
    path: '/api/v1/tasks/{task}/efficiency',
    status: 200,
    summary: 'What a task used of what it asked for',
  },
  getScheduler: {
    method: 'GET',
    path: '/api/v1/scheduler',
    status: 200,
    summary: 'Active and available placement policies',
  },
  useScheduler: {
    method: 'PUT',
    path: '/api/v1/scheduler',
    status: 200,
    summary: 'Choose the placement policy',
  },
  listNamespaces: { method: 'GET', path: '/api/v1/namespaces', status: 200, summary: 'List namespaces' },
  putNamespace: {
    method: 'PUT',
    path: '/api/v1/namespaces/{namespace}',
    status: 200,
    summary: 'Create a namespace or change its quota',
  },
  listUsers: { method: 'GET', path: '/api/v1/users', status: 200, summary: 'List users' },
  putUser: { method: 'PUT', path: '/api/v1/users/{user}', status: 200, summary: 'Create or change a user' },
  listTokens: {
    method: 'GET',
    path: '/api/v1/users/{user}/tokens',
    status: 200,
    summary: 'Tokens of a user, without their secrets',
  },
  issueToken: {
    method: 'POST',
    path: '/api/v1/users/{user}/tokens',
    status: 201,
    summary: 'Make a bearer token; shown once',
  },
  revokeToken: { method: 'DELETE', path: '/api/v1/tokens/{token}', status: 204, summary: 'Revoke a token' },
  createSession: {
    method: 'POST',
    path: '/api/v1/session',
    status: 201,
    summary: 'Log in with a browser: a cookie for a token or a code',
    open: true,
  },
  getSession: { method: 'GET', path: '/api/v1/session', status: 200, summary: 'Who I am' },
  endSession: { method: 'DELETE', path: '/api/v1/session', status: 204, summary: 'Log out' },
  createLoginCode: {
    method: 'POST',
    path: '/api/v1/session/codes',
    status: 201,
    summary: 'A code that logs a browser in, once',
  },
} as const satisfies Readonly<Record<string, Route>>;

export type OperationName = keyof typeof ROUTES;

/** Query parameters of the log route. */
export interface LogQuery {
  /** Keep the connection open for further output until the task ends. */
  readonly follow?: boolean;
  /** Attempt number; the newest without it; `all` for every one in order. */
  readonly attempt?: number | 'all';
  readonly stream?: 'stdout' | 'stderr';
  /** Only lines read at or after this time (ISO 8601) or within this duration (`10m`). */
  readonly since?: string;
  /** Only lines read before this time, or longer ago than this duration. */
  readonly until?: string;
  /** Bytes of the stream to leave out at its begin; needs `stream`. */
  readonly offset?: number;
  /** Most bytes of the log; needs `stream`. */
  readonly bytes?: number;
  /** Only lines that contain this text. */
  readonly grep?: string;
  /** Only lines that match this regular expression (RE2-like: bounded time). */
  readonly regex?: string;
  /** Only the last n lines. */
  readonly tail?: number;
  /** `ndjson` (default) or `text`: the raw bytes. */
  readonly format?: 'ndjson' | 'text';
}

/** Query parameters of the task list; lists are comma-separated. */
export interface TaskQuery {
  readonly namespace?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly owner?: string;
  readonly worker?: string;
  readonly job?: string;
  readonly name?: string;
  readonly image?: string;
  readonly label?: string;
  readonly id?: string;
  /** First characters of the id, or a part of name or image. */
  readonly q?: string;
  /** ISO 8601, or a duration before now (`2h`). */
  readonly submittedAfter?: string;
  readonly submittedBefore?: string;
  readonly order?: 'newest' | 'oldest' | 'priority';
  readonly limit?: number;
  readonly cursor?: string;
}
