import type { JobView } from '@cloudai/api/rest';
import type { Job, Task, TaskState } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { time } from '../views.ts';
import { cancelAll } from './bulk.ts';
import { type Call, mayReach, namespacesOf, type Operations } from './call.ts';
import { readPage } from './page.ts';
import { Rejected } from './rejected.ts';

type JobOperations = Pick<Operations, 'listJobs' | 'getJob' | 'cancelJob'>;

const LIVE: readonly TaskState[] = ['pending', 'queued', 'assigned', 'running'];
/** As many tasks as a job can have. */
const MAX_TASKS = 10_000;

export function jobOperations(context: MasterContext): JobOperations {
  return {
    async listJobs(call, { namespace, owner, name, limit = 20, cursor: asked }) {
      const filter = {
        namespaces: namespacesOf(call, namespace),
        ...(owner === undefined ? {} : { owner }),
        ...(name === undefined ? {} : { name }),
      };
      const { items, next } = await readPage(asked, (cursor) => context.store.jobs(filter, limit, cursor));
      return { items: await Promise.all(items.map((job) => viewOf(context, job))), next };
    },

    async getJob(call, { job }) {
      return viewOf(context, await findJob(context, call, job));
    },

    async cancelJob(call, { job: id, body }) {
      const job = await findJob(context, call, id);
      const filter = { namespaces: [job.namespace], jobId: job.id, states: LIVE };
      const { items } = await context.store.tasks(filter, 'oldest', MAX_TASKS, null);
      const tasks: Task[] = items.map((task) => context.loop.engine.task(task.id) ?? task);
      return { ...(await cancelAll(context, call, tasks, body?.message ?? null)), more: false };
    },
  };
}

async function findJob(context: MasterContext, call: Call, id: string): Promise<Job> {
  const job = await context.store.job(id);
  if (job === null || !mayReach(call, job.namespace))
    throw new Rejected('job_unknown', `No job has the id ${id}; list jobs to see what there is`, { job: id });
  return job;
}

async function viewOf(context: MasterContext, job: Job): Promise<JobView> {
  const counts = await context.store.countTasks({ namespaces: [job.namespace], jobId: job.id });
  const { id, namespace, owner, name, size, submittedAt } = job;
  return { id, namespace, owner, name, size, submittedAt: time(submittedAt), tasks: counts, state: stateOf(counts) };
}

function stateOf(counts: Readonly<Partial<Record<TaskState, number>>>): JobView['state'] {
  const has = (...states: readonly TaskState[]) => states.some((state) => (counts[state] ?? 0) > 0);
  if (has(...LIVE)) return has('running', 'assigned', 'completed', 'failed', 'cancelled') ? 'running' : 'waiting';
  if (has('failed')) return 'failed';
  return has('cancelled') ? 'cancelled' : 'completed';
}
