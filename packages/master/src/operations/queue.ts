import type { Task } from '@cloudai/engine';
import type { Page } from '@cloudai/store';
import type { MasterContext } from '../context.ts';
import { taskView } from '../views.ts';
import { namespacesOf, type Operations } from './call.ts';
import { readPage } from './page.ts';
import { invalid } from './rejected.ts';

export function queueOperations(context: MasterContext): Pick<Operations, 'getQueue'> {
  return {
    /** `total` and the positions count everybody's tasks, so that they mean something; the items are those one may see. */
    async getQueue(call, { namespace, limit = 100, cursor }) {
      const visible = namespacesOf(call, namespace);
      const page =
        visible === 'all' ? queuedFrom(context, limit, cursor) : await queuedOf(context, visible, limit, cursor);
      const { engine } = context.loop;
      const now = context.now();
      const items = page.items.flatMap((task) => {
        const position = engine.position(task.id);
        if (position === null) return [];
        const waitingMs = Math.max(0, now - (task.queuedAt ?? task.submittedAt));
        return [
          { position, waitingMs, message: task.message, task: taskView(task, engine.attempt(task.id, task.fence)) },
        ];
      });
      items.sort((a, b) => a.position - b.position);
      return { total: engine.counts().queued, next: page.next, items };
    },
  };
}

/** The cursor is a position: the queue moves between two pages, and a position is what its readers look for. */
function queuedFrom(context: MasterContext, limit: number, cursor: string | undefined): Page<Task> {
  if (cursor !== undefined && !/^[1-9]\d{0,8}$/.test(cursor))
    throw invalid('cursor', 'is not one that a list has answered');
  const from = Number(cursor ?? 1);
  const { engine } = context.loop;
  const items = engine.queuedFrom(from, limit);
  const end = from + items.length;
  return { items, next: end <= engine.counts().queued ? String(end) : null };
}

/** From the store, which finds the tasks of a namespace without a walk over everybody's. */
async function queuedOf(
  context: MasterContext,
  namespaces: readonly string[],
  limit: number,
  asked: string | undefined,
): Promise<Page<Task>> {
  const { items, next } = await readPage(asked, (cursor) =>
    context.store.tasks({ namespaces, states: ['queued'] }, 'priority', limit, cursor),
  );
  const { engine } = context.loop;
  return { items: items.flatMap((stored) => engine.task(stored.id) ?? []), next };
}
