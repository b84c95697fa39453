import type { EventFilter } from '@cloudai/store';
import type { MasterContext } from '../context.ts';
import { eventView } from '../views.ts';
import { namespacesOf, type Operations } from './call.ts';
import { findTask } from './find.ts';

const USUAL_LIMIT = 100;

export function eventOperations(context: MasterContext): Pick<Operations, 'listEvents' | 'listTaskEvents'> {
  return {
    async listEvents(call, { namespace, after = 0, worker, kind, limit = USUAL_LIMIT }) {
      return list(
        context,
        {
          namespaces: namespacesOf(call, namespace),
          ...(worker === undefined ? {} : { workerId: worker }),
          ...(kind === undefined ? {} : { kinds: kind.split(',').filter((word) => word !== '') }),
        },
        after,
        limit,
      );
    },

    async listTaskEvents(call, { task: id, after = 0, limit = 1000 }) {
      const task = await findTask(context, call, id);
      return list(context, { namespaces: [task.namespace], taskId: task.id }, after, limit);
    },
  };
}

/** `next` is the `after` of the following page. */
async function list(context: MasterContext, filter: EventFilter, after: number, limit: number) {
  const events = await context.store.events(filter, after, limit);
  const last = events.at(-1);
  return {
    items: events.map(eventView),
    next: last !== undefined && events.length === limit ? String(last.sequence) : null,
  };
}
