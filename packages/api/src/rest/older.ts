/**
 * Routes of earlier versions, answered from the operations of today under their old names and field names. New clients
 * use what `instead` names. `docs/reference/older-routes.md` has their fields.
 */
import type { OperationName, Route } from './routes.ts';

export interface OlderRoute extends Route {
  readonly instead: OperationName;
}

export const OLDER_ROUTES = {
  olderSubmitTask: { method: 'POST', path: '/api/tasks', status: 201, instead: 'submitTask', summary: 'Submit a task' },
  olderListTasks: { method: 'GET', path: '/api/tasks', status: 200, instead: 'listTasks', summary: 'List tasks' },
  olderGetTask: { method: 'GET', path: '/api/tasks/{task}', status: 200, instead: 'getTask', summary: 'One task' },
  olderCancelTask: {
    method: 'DELETE',
    path: '/api/tasks/{task}',
    status: 200,
    instead: 'cancelTask',
    summary: 'Cancel a task',
  },
  olderGetLogs: {
    method: 'GET',
    path: '/api/tasks/{task}/logs',
    status: 200,
    instead: 'readLogs',
    summary: 'The last part of the log of a task',
  },
  olderListWorkers: {
    method: 'GET',
    path: '/api/workers',
    status: 200,
    instead: 'listWorkers',
    summary: 'Workers with their use',
  },
  olderRegisterWorker: {
    method: 'POST',
    path: '/api/workers',
    status: 201,
    instead: 'registerWorker',
    summary: 'Admit a worker',
  },
  olderGetWorker: {
    method: 'GET',
    path: '/api/workers/{worker}',
    status: 200,
    instead: 'getWorker',
    summary: 'One worker with its use',
  },
  olderGetMetrics: {
    method: 'GET',
    path: '/api/workers/{worker}/metrics',
    status: 200,
    instead: 'getWorker',
    summary: 'Use of a worker now',
  },
  olderListWorkerTasks: {
    method: 'GET',
    path: '/api/workers/{worker}/tasks',
    status: 200,
    instead: 'listWorkerTasks',
    summary: 'Tasks on a worker',
  },
  olderListTelemetry: {
    method: 'GET',
    path: '/telemetry',
    status: 200,
    instead: 'listWorkers',
    summary: 'Use of every worker now, by id',
  },
  olderGetTelemetry: {
    method: 'GET',
    path: '/telemetry/{worker}',
    status: 200,
    instead: 'getWorker',
    summary: 'Use of a worker now',
  },
  olderWorkers: { method: 'GET', path: '/workers', status: 200, instead: 'listWorkers', summary: 'Workers, in short' },
  olderListFiles: {
    method: 'GET',
    path: '/api/files',
    status: 200,
    instead: 'listArtifacts',
    summary: 'Files of the newest tasks',
  },
  olderGetFiles: {
    method: 'GET',
    path: '/api/files/{task}',
    status: 200,
    instead: 'listArtifacts',
    summary: 'Files of a task',
  },
  olderDownload: {
    method: 'GET',
    path: '/api/files/{task}/download/{path}',
    status: 200,
    instead: 'getArtifact',
    summary: 'Download a file',
  },
  olderLogIn: {
    method: 'POST',
    path: '/api/auth/login',
    status: 200,
    instead: 'createSession',
    summary: 'Log in with a browser; the password is a token',
    open: true,
  },
  olderLogOut: { method: 'POST', path: '/api/auth/logout', status: 200, instead: 'endSession', summary: 'Log out' },
  olderWhoAmI: { method: 'GET', path: '/api/auth/me', status: 200, instead: 'getSession', summary: 'Who I am' },
  olderStatus: {
    method: 'GET',
    path: '/status',
    status: 200,
    instead: 'getCluster',
    summary: 'The cluster in numbers',
  },
} as const satisfies Readonly<Record<string, OlderRoute>>;

export type OlderName = keyof typeof OLDER_ROUTES;
