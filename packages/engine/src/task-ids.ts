/** Ids of the tasks in memory by their first characters, so that a prefix is found without a walk over all of them. */
import type { TaskId } from './model/task.ts';

const START_LENGTH = 2;

export class TaskIds {
  readonly #byStart = new Map<string, Set<TaskId>>();

  add(id: TaskId): void {
    const start = id.slice(0, START_LENGTH);
    const ids = this.#byStart.get(start);
    if (ids === undefined) this.#byStart.set(start, new Set([id]));
    else ids.add(id);
  }

  remove(id: TaskId): void {
    const start = id.slice(0, START_LENGTH);
    const ids = this.#byStart.get(start);
    ids?.delete(id);
    if (ids?.size === 0) this.#byStart.delete(start);
  }

  /** Ids that start with `prefix`, ascending, at most `limit`; none for an empty one. */
  find(prefix: string, limit: number): TaskId[] {
    const found: TaskId[] = [];
    if (prefix === '') return found;
    for (const [start, ids] of this.#byStart) {
      if (!start.startsWith(prefix.slice(0, START_LENGTH))) continue;
      for (const id of ids) if (id.startsWith(prefix)) found.push(id);
    }
    return found.sort().slice(0, limit);
  }
}
