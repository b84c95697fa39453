import type { OperationName } from '@cloudai/api/rest';
import type { Subscription, WatchTopic } from '@cloudai/api/watch';
import { authorize } from '../authorize.ts';
import { Rejected } from '../operations/index.ts';
import type { Source, SourceParts } from './source.ts';
import { openEvents } from './sources/events.ts';
import { openLogs } from './sources/logs.ts';
import { openTasks } from './sources/tasks.ts';
import { openTelemetry } from './sources/telemetry.ts';
import { openCluster, openQueue } from './sources/views.ts';
import { openWorkers } from './sources/workers.ts';

/** The operation that shows the same: who may not do that may not watch it. */
export const OPERATION_OF: Readonly<Record<WatchTopic, OperationName>> = {
  events: 'listEvents',
  tasks: 'listTasks',
  workers: 'listWorkers',
  queue: 'getQueue',
  cluster: 'getCluster',
  telemetry: 'getTelemetry',
  logs: 'readLogs',
};

/** Rejects with what the caller may know of why there is nothing to watch. */
export async function openSource(parts: SourceParts, request: Subscription): Promise<Source> {
  const { subject } = parts;
  const operation = OPERATION_OF[request.topic];
  if (authorize(subject, operation, null) !== 'allowed')
    throw new Rejected('forbidden', `The role ${subject.role} of ${subject.user} does not allow ${operation}`);
  switch (request.topic) {
    case 'events':
      return openEvents(parts, request);
    case 'tasks':
      return openTasks(parts, request);
    case 'workers':
      return openWorkers(parts, request);
    case 'queue':
      return openQueue(parts, request);
    case 'cluster':
      return openCluster(parts, request);
    case 'telemetry':
      return openTelemetry(parts, request);
    case 'logs':
      return openLogs(parts, request);
  }
}
