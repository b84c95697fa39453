import type { TaskView } from '@cloudai/api/rest';
import type { Explanation, Task } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { attemptView, explanationView, taskView } from '../views.ts';
import { type Operations, submit, taskUnknown } from './call.ts';
import { findAttempts, findNewestAttempt, findTask } from './find.ts';
import { readPage } from './page.ts';
import { Rejected } from './rejected.ts';
import { homeNamespace, readTasks, submitTasks } from './submit.ts';
import { readTaskFilter } from './task-filter.ts';

export { readTaskFilter } from './task-filter.ts';

type TaskOperations = Pick<
  Operations,
  | 'submitTask'
  | 'submitJob'
  | 'listTasks'
  | 'getTask'
  | 'listAttempts'
  | 'explainTask'
  | 'cancelTask'
  | 'retryTask'
  | 'updateTask'
>;

export function taskOperations(context: MasterContext): TaskOperations {
  return {
    async submitTask(call, { namespace: asked, body }) {
      const namespace = homeNamespace(context, call, asked);
      const tasks = readTasks(context, [body], () => '');
      const request = { namespace, body };
      const { taskIds } = await submitTasks(context, call, { namespace, tasks, job: null, request });
      return viewById(context, taskIds[0]!);
    },

    async submitJob(call, { namespace: asked, body }) {
      const namespace = homeNamespace(context, call, asked);
      const tasks = readTasks(context, body.tasks, (index) => `tasks[${index}]`);
      const job = { id: context.newId(), name: body.name ?? null };
      const request = { namespace, body };
      const { jobId, taskIds } = await submitTasks(context, call, { namespace, tasks, job, request });
      return { jobId: jobId ?? job.id, namespace, taskIds: [...taskIds] };
    },

    async listTasks(call, input) {
      const filter = readTaskFilter(call, input, context.now());
      const { items, next } = await readPage(input.cursor, (cursor) =>
        context.store.tasks(filter, input.order ?? 'newest', input.limit ?? 100, cursor),
      );
      return { items: await Promise.all(items.map((task) => taskViewOf(context, task))), next };
    },

    async getTask(call, { task: id }) {
      const task = await findTask(context, call, id);
      const attempts = await findAttempts(context, task);
      return {
        task: taskView(task, attempts.at(-1) ?? null),
        spec: { ...task.spec },
        attempts: attempts.map(attemptView),
      };
    },

    async listAttempts(call, { task: id }) {
      const attempts = await findAttempts(context, await findTask(context, call, id));
      return { items: attempts.map(attemptView), next: null };
    },

    async explainTask(call, { task: id }) {
      const task = await findTask(context, call, id);
      return explanationView(context.loop.engine.explain(task.id, context.now()) ?? explainEnded(task));
    },

    async cancelTask(call, { task: id, body }) {
      const task = await findTask(context, call, id);
      // An ended task that the engine has forgotten stays as it is; cancelling it is no error.
      if (context.loop.engine.task(task.id) === null) return taskViewOf(context, task);
      const { user } = call.subject;
      await submit(
        context,
        { kind: 'cancelTask', taskId: task.id, by: user, message: body?.message ?? null },
        'cancelled',
      );
      return viewById(context, task.id);
    },

    async retryTask(call, { task: id }) {
      const old = await findTask(context, call, id);
      if (old.endedAt === null)
        throw new Rejected('task_not_ended', `Task ${old.id} is ${old.state}; only an ended task can be retried`);
      const tasks = [{ id: context.newId(), name: old.name, spec: old.spec, retryOf: old.id }];
      const request = { retryOf: old.id };
      const { taskIds } = await submitTasks(context, call, { namespace: old.namespace, tasks, job: null, request });
      return viewById(context, taskIds[0]!);
    },

    async updateTask(call, { task: id, body }) {
      const task = await findTask(context, call, id);
      const { user } = call.subject;
      const { priority, version } = body;
      const ifVersion = version === undefined ? {} : { ifVersion: version };
      await submit(context, { kind: 'setPriority', taskId: task.id, priority, by: user, ...ifVersion }, 'done');
      return viewById(context, task.id);
    },
  };
}

async function viewById(context: MasterContext, id: string): Promise<TaskView> {
  const task = context.loop.engine.task(id) ?? (await context.store.task(id));
  if (task === null) throw taskUnknown(id);
  return taskViewOf(context, task);
}

export async function taskViewOf(context: MasterContext, task: Task): Promise<TaskView> {
  return taskView(task, await findNewestAttempt(context, task));
}

/** The engine explains what it still knows; an old end explains itself. */
function explainEnded(task: Task): Explanation {
  return {
    taskId: task.id,
    state: task.state,
    summary: task.message ?? `The task is ${task.state}${task.reason === null ? '' : ` (${task.reason})`}.`,
    position: null,
    waitingMs: 0,
    couldEverFit: true,
    workers: [],
    advice: null,
  };
}
