import type { Task } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { taskView } from '../views.ts';
import { namespacesOf, type Operations } from './call.ts';

export function queueOperations(context: MasterContext): Pick<Operations, 'getQueue'> {
  return {
    /** `total` and the positions count everybody's tasks, so that they mean something; the items are those one may see. */
    async getQueue(call, { namespace, limit = 100 }) {
      const visible = namespacesOf(call, namespace);
      const tasks = visible === 'all' ? firstQueued(context, limit) : await queuedOf(context, visible, limit);
      const { engine } = context.loop;
      const now = context.now();
      const items = tasks.flatMap((task) => {
        const position = engine.position(task.id);
        if (position === null) return [];
        const waitingMs = Math.max(0, now - (task.queuedAt ?? task.submittedAt));
        return [
          { position, waitingMs, message: task.message, task: taskView(task, engine.attempt(task.id, task.fence)) },
        ];
      });
      return { total: engine.counts().queued, items: items.sort((a, b) => a.position - b.position) };
    },
  };
}

function firstQueued(context: MasterContext, limit: number): Task[] {
  return Iterator.from(context.loop.engine.queued()).take(limit).toArray();
}

/** From the store, which finds the tasks of a namespace without a walk over everybody's. */
async function queuedOf(context: MasterContext, namespaces: readonly string[], limit: number): Promise<Task[]> {
  const { items } = await context.store.tasks({ namespaces, states: ['queued'] }, 'priority', limit, null);
  const { engine } = context.loop;
  return items.flatMap((stored) => engine.task(stored.id) ?? []);
}
