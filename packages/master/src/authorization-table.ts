/**
 * Who may do what: every operation by role. `authorize.ts` reads it and nothing else decides.
 *
 * - `all`   in every namespace, and on what belongs to the cluster
 * - `own`   in the namespaces of which the user is a member; everything else looks as if it did not exist
 * - `no`    refused
 *
 * An operation that is missing here does not compile, fails a test and stops the master at start.
 */

import type { OperationName } from '@cloudai/api/rest';
import type { Role } from '@cloudai/engine';

export type Reach = 'all' | 'own' | 'no';

export const AUTHORIZATION: Readonly<Record<OperationName, Readonly<Record<Role, Reach>>>> = {
  getVersion: { admin: 'all', user: 'all' },
  getCluster: { admin: 'all', user: 'own' },

  submitTask: { admin: 'all', user: 'own' },
  validateTask: { admin: 'all', user: 'own' },
  submitJob: { admin: 'all', user: 'own' },
  listTasks: { admin: 'all', user: 'own' },
  listJobs: { admin: 'all', user: 'own' },
  getJob: { admin: 'all', user: 'own' },
  cancelJob: { admin: 'all', user: 'own' },
  getTask: { admin: 'all', user: 'own' },
  explainTask: { admin: 'all', user: 'own' },
  listAttempts: { admin: 'all', user: 'own' },
  listTaskEvents: { admin: 'all', user: 'own' },
  cancelTask: { admin: 'all', user: 'own' },
  retryTask: { admin: 'all', user: 'own' },
  cancelTasks: { admin: 'all', user: 'own' },
  retryTasks: { admin: 'all', user: 'own' },
  updateTask: { admin: 'all', user: 'own' },
  readLogs: { admin: 'all', user: 'own' },
  listArtifacts: { admin: 'all', user: 'own' },
  getArtifact: { admin: 'all', user: 'own' },
  getArchive: { admin: 'all', user: 'own' },
  getQueue: { admin: 'all', user: 'own' },
  listEvents: { admin: 'all', user: 'own' },

  // What workers offer is everybody's business; which foreign tasks run on them is not (see views.ts).
  listWorkers: { admin: 'all', user: 'own' },
  getWorker: { admin: 'all', user: 'own' },
  listWorkerTasks: { admin: 'all', user: 'own' },
  // What happens to a worker is its operator's affair; of its tasks everybody sees the own ones.
  listWorkerEvents: { admin: 'all', user: 'own' },
  registerWorker: { admin: 'all', user: 'no' },
  unregisterWorker: { admin: 'all', user: 'no' },
  drainWorker: { admin: 'all', user: 'no' },
  labelWorker: { admin: 'all', user: 'no' },

  // Counts over all namespaces are left out for members (see operations/telemetry.ts).
  getTelemetry: { admin: 'all', user: 'own' },
  getClusterTelemetry: { admin: 'all', user: 'own' },
  getWorkerTelemetry: { admin: 'all', user: 'own' },
  getTaskTelemetry: { admin: 'all', user: 'own' },
  getTaskEfficiency: { admin: 'all', user: 'own' },

  getScheduler: { admin: 'all', user: 'all' },
  useScheduler: { admin: 'all', user: 'no' },

  listNamespaces: { admin: 'all', user: 'own' },
  putNamespace: { admin: 'all', user: 'no' },
  listUsers: { admin: 'all', user: 'no' },
  putUser: { admin: 'all', user: 'no' },
  listTokens: { admin: 'all', user: 'no' },
  issueToken: { admin: 'all', user: 'no' },
  revokeToken: { admin: 'all', user: 'no' },

  // A session is a token of the same user that ends sooner: it gives nobody a right that the caller has not.
  createSession: { admin: 'all', user: 'all' },
  getSession: { admin: 'all', user: 'all' },
  endSession: { admin: 'all', user: 'all' },
  createLoginCode: { admin: 'all', user: 'all' },
};
