import type { MasterContext } from '../context.ts';
import { taskView } from '../views.ts';
import { namespacesOf, type Operations } from './call.ts';

export function queueOperations(context: MasterContext): Pick<Operations, 'getQueue'> {
  return {
    /** `total` counts everybody's tasks, so that a position means something; the items are the caller's own. */
    getQueue(call, { namespace, limit = 100 }) {
      const { engine } = context.loop;
      const visible = namespacesOf(call, namespace);
      const now = context.now();
      const items = [];
      let position = 0;
      for (const task of engine.queued()) {
        position += 1;
        if (visible !== 'all' && !visible.includes(task.namespace)) continue;
        items.push({
          position,
          waitingMs: Math.max(0, now - (task.queuedAt ?? task.submittedAt)),
          message: task.message,
          task: taskView(task, engine.attempt(task.id, task.fence)),
        });
        if (items.length === limit) break;
      }
      return { total: engine.counts().queued, items };
    },
  };
}
