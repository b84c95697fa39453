/**
 * Many tasks in one call, each with an outcome of its own: a task that can not be cancelled or retried keeps no other
 * from it.
 */
import { hash } from 'node:crypto';
import type { BulkResult, TaskSelection } from '@cloudai/api/rest';
import type { Task, TaskState } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { Unavailable } from '../unavailable.ts';
import { type Call, type Operations, submit } from './call.ts';
import { findTask } from './find.ts';
import { Rejected } from './rejected.ts';
import { submitTasks } from './submit.ts';
import { readTaskFilter } from './task-filter.ts';

type Item = BulkResult['items'][number];

/** A task as it was named, or why it was not found. */
type Found = { readonly name: string; readonly task: Task } | { readonly name: string; readonly refusal: Rejected };

const MAX_TASKS = 1000;
/** So many are under way together: they share commits, and leave room in the mailbox for others. */
const TOGETHER = 200;
const LIVE: readonly TaskState[] = ['pending', 'queued', 'assigned', 'running'];
const ENDED: readonly TaskState[] = ['completed', 'failed', 'cancelled'];

export function bulkOperations(context: MasterContext): Pick<Operations, 'cancelTasks' | 'retryTasks'> {
  return {
    async cancelTasks(call, { body }) {
      const { found, more } = await select(context, call, body, LIVE);
      const carryOut = body.dryRun === true ? wouldBe : cancel(context, call, body.message ?? null);
      return { ...(await each(found, carryOut)), more };
    },

    async retryTasks(call, { body }) {
      const { found, more } = await select(context, call, body, ENDED);
      const carryOut = body.dryRun === true ? wouldBe : retry(context, call);
      return { ...(await each(found, carryOut)), more };
    },
  };
}

/** Cancels tasks that have not ended; `found` may be of any condition. */
export async function cancelAll(
  context: MasterContext,
  call: Call,
  tasks: readonly Task[],
  message: string | null,
): Promise<Omit<BulkResult, 'more'>> {
  return each(
    tasks.map((task) => ({ name: task.id, task })),
    cancel(context, call, message),
  );
}

async function select(
  context: MasterContext,
  call: Call,
  { ids, filter, limit = MAX_TASKS }: TaskSelection,
  usual: readonly TaskState[],
): Promise<{ readonly found: readonly Found[]; readonly more: boolean }> {
  if ((ids === undefined) === (filter === undefined))
    throw new Rejected('invalid_argument', 'Either ids or filter has to be given, and not both', { field: 'ids' });
  if (ids !== undefined) return { found: await findAll(context, call, ids), more: false };
  const wanted = readTaskFilter(call, filter!, context.now());
  // The oldest first: what a repeat of the call then takes has not been seen yet.
  const page = await context.store.tasks({ ...wanted, states: wanted.states ?? usual }, 'oldest', limit, null);
  return { found: page.items.map((task) => ({ name: task.id, task })), more: page.next !== null };
}

/** Each once, however often it is named. */
async function findAll(context: MasterContext, call: Call, ids: readonly string[]): Promise<Found[]> {
  const seen = new Set<string>();
  const found: Found[] = [];
  for (const name of new Set(ids)) {
    try {
      const task = await findTask(context, call, name);
      if (!seen.has(task.id)) found.push({ name, task });
      seen.add(task.id);
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      found.push({ name, refusal: error });
    }
  }
  return found;
}

type CarryOut = (task: Task) => Promise<Omit<Item, 'task' | 'error'>> | Omit<Item, 'task' | 'error'>;

async function each(found: readonly Found[], carryOut: CarryOut): Promise<Omit<BulkResult, 'more'>> {
  const items: Item[] = [];
  for (let start = 0; start < found.length; start += TOGETHER)
    items.push(...(await Promise.all(found.slice(start, start + TOGETHER).map((one) => outcomeOf(one, carryOut)))));
  const count = (outcome: Item['outcome']) => items.filter((item) => item.outcome === outcome).length;
  return { items, done: count('done'), unchanged: count('unchanged'), refused: count('refused') };
}

async function outcomeOf(found: Found, carryOut: CarryOut): Promise<Item> {
  const { name } = found;
  if ('refusal' in found) return refused(name, null, found.refusal);
  try {
    return { task: name, ...(await carryOut(found.task)), error: null };
  } catch (error) {
    // Also when the master can take nothing just now: what went before has an outcome that must be told.
    if (error instanceof Rejected || error instanceof Unavailable) return refused(name, found.task.state, error);
    throw error;
  }
}

function refused(name: string, state: TaskState | null, { code, message }: Rejected | Unavailable): Item {
  return { task: name, outcome: 'refused', state, newTask: null, error: { code, message } };
}

const wouldBe: CarryOut = ({ state }) => ({ outcome: 'would', state, newTask: null });

function cancel(context: MasterContext, call: Call, message: string | null): CarryOut {
  return async (task) => {
    const { engine } = context.loop;
    const before = engine.task(task.id) ?? task;
    if (before.endedAt !== null) return { outcome: 'unchanged', state: before.state, newTask: null };
    await submit(context, { kind: 'cancelTask', taskId: task.id, by: call.subject.user, message }, 'cancelled');
    const after = context.loop.engine.task(task.id) ?? before;
    return { outcome: 'done', state: after.state, newTask: null };
  };
}

function retry(context: MasterContext, call: Call): CarryOut {
  return async (found) => {
    const task = context.loop.engine.task(found.id) ?? found;
    if (task.endedAt === null)
      throw new Rejected('task_not_ended', `Task ${task.id} is ${task.state}; only an ended task can be retried`);
    const tasks = [{ id: context.newId(), name: task.name, spec: task.spec, retryOf: task.id }];
    // One key for the call is a key for each of its tasks, so that a repeat retries none twice.
    const key = call.idempotencyKey === null ? null : hash('sha256', `${call.idempotencyKey} ${task.id}`);
    const { taskIds } = await submitTasks(
      context,
      { ...call, idempotencyKey: key },
      { namespace: task.namespace, tasks, job: null, request: { retryOf: task.id } },
    );
    return { outcome: 'done', state: task.state, newTask: taskIds[0]! };
  };
}
