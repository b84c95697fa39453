import type { EventFilter } from '@cloudai/store';
import type { MasterContext } from '../context.ts';
import { eventView } from '../views.ts';
import { namespacesOf, type Operations } from './call.ts';
import { findTask } from './find.ts';
import { invalid } from './rejected.ts';
import { splitList } from './task-filter.ts';
import { findWorker } from './workers.ts';

const USUAL_LIMIT = 100;
/** Of one task or worker: more than most have. */
const TIMELINE_LIMIT = 1000;

type EventOperations = Pick<Operations, 'listEvents' | 'listTaskEvents' | 'listWorkerEvents'>;

interface Place {
  readonly after?: number;
  readonly before?: number;
  readonly order?: 'oldest' | 'newest';
}

export function eventOperations(context: MasterContext): EventOperations {
  return {
    async listEvents(call, { namespace, worker, kind, limit = USUAL_LIMIT, ...place }) {
      const filter = {
        namespaces: namespacesOf(call, namespace),
        ...(worker === undefined ? {} : { workerId: worker }),
        ...(kind === undefined ? {} : { kinds: splitList(kind) }),
      };
      return list(context, filter, place, limit);
    },

    async listTaskEvents(call, { task: id, limit = TIMELINE_LIMIT, ...place }) {
      const task = await findTask(context, call, id);
      return list(context, { namespaces: [task.namespace], taskId: task.id }, place, limit);
    },

    /** Those about the worker itself only for who sees all namespaces. */
    async listWorkerEvents(call, { worker, limit = TIMELINE_LIMIT, ...place }) {
      const { id } = findWorker(context, worker);
      return list(context, { namespaces: namespacesOf(call, undefined), workerId: id }, place, limit);
    },
  };
}

/** `next` is the `after` of the following page, or its `before` when the newest come first. */
async function list(
  context: MasterContext,
  filter: EventFilter,
  { after, before, order = 'oldest' }: Place,
  limit: number,
) {
  const isForward = order === 'oldest';
  const [unfit, bound] = isForward ? ([before, 'before'] as const) : ([after, 'after'] as const);
  if (unfit !== undefined) throw invalid(bound, `does not go with the order ${order}`);
  const from = isForward ? (after ?? 0) : (before ?? Number.MAX_SAFE_INTEGER);
  const events = await context.store.events(filter, from, limit, order);
  const last = events.at(-1);
  return {
    items: events.map(eventView),
    next: last !== undefined && events.length === limit ? String(last.sequence) : null,
  };
}
