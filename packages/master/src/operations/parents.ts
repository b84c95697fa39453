/** What `dependsOn` names: tasks of the same call by name, others by id. */
import type { TaskSubmission } from '@cloudai/api/rest';
import type { NewTask, TaskId, TaskState, TerminalTaskState } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { invalid, Rejected } from './rejected.ts';

const TASK_ID = /^[a-z2-7]{16}$/;
const NONE: readonly TaskId[] = [];
/** Ends of parents are looked up in the store this many at a time. */
const LOOKUPS_AT_ONCE = 100;

/** The parents' ids for each submission. A name within the call goes before an id. */
export function readParents(
  submissions: readonly TaskSubmission[],
  ids: readonly TaskId[],
  at: (index: number) => string,
): readonly (readonly TaskId[])[] {
  if (submissions.every(({ dependsOn }) => dependsOn === undefined)) return submissions.map(() => NONE);
  const byName = new Map<string, number[]>();
  for (const [index, { name }] of submissions.entries()) {
    if (name === undefined) continue;
    const same = byName.get(name);
    if (same === undefined) byName.set(name, [index]);
    else same.push(index);
  }
  return submissions.map(({ dependsOn }, index) => {
    const parents = (dependsOn ?? []).map((reference) => {
      const field = at(index) === '' ? 'dependsOn' : `${at(index)}.dependsOn`;
      const named = byName.get(reference) ?? [];
      if (named.length > 1) throw invalid(field, `${reference} is the name of ${named.length} tasks of this call`);
      if (named.length === 1) return ids[named[0]!]!;
      if (TASK_ID.test(reference)) return reference;
      throw new Rejected(
        'dependency_unknown',
        `${field}: ${reference} is neither the id of a task nor the name of a task of this call`,
        {
          field,
          taskIndex: index,
        },
      );
    });
    return [...new Set(parents)];
  });
}

/**
 * Ends of parents that the engine has forgotten. Parents in other namespaces are unknown, whether they exist or not.
 */
export async function findOutcomes(
  context: MasterContext,
  namespace: string,
  tasks: readonly NewTask[],
): Promise<Readonly<Record<TaskId, TerminalTaskState>>> {
  const own = new Set(tasks.map(({ id }) => id));
  const parents = new Map<TaskId, number>();
  for (const [index, { spec }] of tasks.entries())
    for (const parent of spec.dependsOn) if (!own.has(parent) && !parents.has(parent)) parents.set(parent, index);
  const outcomes: Record<TaskId, TerminalTaskState> = {};
  const forgotten: [TaskId, number][] = [];
  for (const [parent, index] of parents) {
    const live = context.loop.engine.task(parent);
    if (live === null) forgotten.push([parent, index]);
    else if (live.namespace !== namespace) throw parentUnknown(parent, index);
    // The engine may forget it before the command is applied.
    else if (isEnded(live.state)) outcomes[parent] = live.state;
  }
  for (let start = 0; start < forgotten.length; start += LOOKUPS_AT_ONCE) {
    const some = forgotten.slice(start, start + LOOKUPS_AT_ONCE);
    await Promise.all(
      some.map(async ([parent, index]) => {
        const stored = await context.store.task(parent);
        if (stored === null || stored.namespace !== namespace) throw parentUnknown(parent, index);
        if (isEnded(stored.state)) outcomes[parent] = stored.state;
      }),
    );
  }
  return outcomes;
}

function isEnded(state: TaskState): state is TerminalTaskState {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

function parentUnknown(parent: TaskId, taskIndex: number): Rejected {
  return new Rejected('dependency_unknown', `dependsOn: no task has the id ${parent}`, {
    field: 'dependsOn',
    taskIndex,
  });
}
