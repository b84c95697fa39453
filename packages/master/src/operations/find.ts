/**
 * Finding what a caller names. Everything that names a task goes through `findTask`, which is also where the namespace
 * is authorised: what the caller may not see is looked for in the same way, and is not found.
 */
import type { Attempt, Task } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { type Call, mayReach, namespacesOf, taskUnknown } from './call.ts';
import { Rejected } from './rejected.ts';

const TASK_ID = /^[a-z2-7]{16}$/;
const TASK_ID_PREFIX = /^[a-z2-7]{1,15}$/;
/** Candidates that an ambiguous prefix is answered with. */
const MAX_CANDIDATES = 10;

/** The task with this id, or the only one that begins with it. Ended tasks come from the store. */
export async function findTask(context: MasterContext, call: Call, idOrPrefix: string): Promise<Task> {
  if (TASK_ID.test(idOrPrefix)) {
    const live = context.loop.engine.task(idOrPrefix);
    if (live !== null && mayReach(call, live.namespace)) return live;
    // A foreign live task takes this way too, so that it costs the same time as one that does not exist.
    const stored = await context.store.task(idOrPrefix);
    if (stored !== null && mayReach(call, stored.namespace)) return stored;
    throw taskUnknown(idOrPrefix);
  }
  if (!TASK_ID_PREFIX.test(idOrPrefix)) throw taskUnknown(idOrPrefix);
  // Every acknowledged task is in the store, live ones as well.
  const filter = { namespaces: namespacesOf(call, undefined), idPrefix: idOrPrefix };
  const { items } = await context.store.tasks(filter, 'newest', MAX_CANDIDATES + 1, null);
  const [only, ...others] = items;
  if (only === undefined) throw taskUnknown(idOrPrefix);
  if (others.length > 0) throw ambiguous(idOrPrefix, items);
  return context.loop.engine.task(only.id) ?? only;
}

function ambiguous(prefix: string, tasks: readonly Task[]): Rejected {
  const candidates = tasks.slice(0, MAX_CANDIDATES).map(({ id }) => id);
  const more = tasks.length > MAX_CANDIDATES ? ' and more' : '';
  return new Rejected('ambiguous_id', `Several tasks begin with ${prefix}: ${candidates.join(', ')}${more}`, {
    candidates,
  });
}

/** Every attempt of a task, oldest first. */
export async function findAttempts(context: MasterContext, task: Task): Promise<readonly Attempt[]> {
  if (task.fence === 0) return [];
  const { engine } = context.loop;
  return engine.task(task.id) === null ? context.store.attempts(task.id) : engine.attempts(task.id);
}

export async function findNewestAttempt(context: MasterContext, task: Task): Promise<Attempt | null> {
  if (task.fence === 0) return null;
  const live = context.loop.engine.attempt(task.id, task.fence);
  if (live !== null) return live;
  const stored = await context.store.attempts(task.id);
  return stored.find(({ number }) => number === task.fence) ?? null;
}
