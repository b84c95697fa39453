/** The filter of a task list as a test of one row. */
import type { Attempt, Task, TaskState } from '@cloudai/engine';
import type { TaskFilter } from '@cloudai/store';

export interface TaskMatch {
  /** As far as it can not change: a task that does not fit never will. */
  couldFit(task: Task): boolean;
  fits(task: Task, attempts: readonly Attempt[]): boolean;
  /** Whether a task that was in one of these states may have been shown; null: in any. */
  mayHaveFitted(before: ReadonlySet<TaskState> | null): boolean;
}

export function taskMatch(filter: TaskFilter, ids: ReadonlySet<string> | null): TaskMatch {
  const { namespaces, states, reasons, owner, jobId, name, image, workerId, labels, idPrefix, search } = filter;
  const { submittedAfter, submittedBefore } = filter;
  const wanted = Object.entries(labels ?? {});
  const text = search === undefined ? null : lower(search);
  return {
    couldFit: (task) =>
      (namespaces === 'all' || namespaces.includes(task.namespace)) &&
      (ids === null || ids.has(task.id)) &&
      (owner === undefined || task.owner === owner) &&
      (jobId === undefined || task.jobId === jobId) &&
      (name === undefined || task.name === name) &&
      (image === undefined || task.spec.image === image) &&
      (idPrefix === undefined || task.id.startsWith(idPrefix)) &&
      (text === null || isFound(task, text)) &&
      (submittedAfter === undefined || task.submittedAt >= submittedAfter) &&
      (submittedBefore === undefined || task.submittedAt < submittedBefore) &&
      wanted.every(([key, value]) => task.spec.labels[key] === value),
    fits: (task, attempts) =>
      (states === undefined || states.includes(task.state)) &&
      (reasons === undefined || (task.reason !== null && reasons.includes(task.reason))) &&
      (workerId === undefined || attempts.some((attempt) => attempt.workerId === workerId)),
    mayHaveFitted: (before) => states !== undefined && (before === null || states.some((state) => before.has(state))),
  };
}

function isFound(task: Task, text: string): boolean {
  return (
    task.id.startsWith(text) ||
    lower(task.spec.image).includes(text) ||
    (task.name !== null && lower(task.name).includes(text))
  );
}

/** ASCII only, as the store compares. */
function lower(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
