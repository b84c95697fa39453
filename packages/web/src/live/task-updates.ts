/** What the watch says about tasks, put into the pages of a list that are loaded. */
import type { TaskView } from '@cloudai/sdk';

export interface TaskPage {
  readonly items: readonly TaskView[];
  readonly next: string | null;
  readonly sequence: number | null;
}

/** The newest of each task since the last time; `null`: it does not match any more. */
export type TaskUpdates = ReadonlyMap<string, TaskView | null>;

export type Order = 'newest' | 'oldest' | 'priority';

/**
 * Rows are replaced where they are, and taken out when they left. A task that is not in the list goes to its begin when
 * the newest come first, and to its end when the whole list is loaded and the oldest come first. Pages without a change
 * stay the same objects.
 */
export function updatePages(pages: readonly TaskPage[], updates: TaskUpdates, order: Order): readonly TaskPage[] {
  const left = new Map(updates);
  const updated = pages.map((page) => {
    if (!page.items.some(({ id }) => updates.has(id))) return page;
    const items = page.items.flatMap((row) => {
      const update = updates.get(row.id);
      if (update === undefined) return [row];
      left.delete(row.id);
      if (update === null) return [];
      return [update.version >= row.version ? update : row];
    });
    return { ...page, items };
  });
  const added = [...left.values()].filter((task) => task !== null).sort(byTime);
  const [first] = updated;
  if (added.length === 0 || first === undefined) return updated;
  if (order === 'newest') {
    const newest = first.items[0];
    // What is older than the first row belongs to a page further down, loaded or not.
    const fresh = added.filter((task) => newest === undefined || task.submittedAt >= newest.submittedAt).reverse();
    return fresh.length === 0 ? updated : [{ ...first, items: [...fresh, ...first.items] }, ...updated.slice(1)];
  }
  const last = updated.at(-1)!;
  if (order === 'oldest' && last.next === null)
    return [...updated.slice(0, -1), { ...last, items: [...last.items, ...added] }];
  return updated;
}

function byTime(a: TaskView, b: TaskView): number {
  return a.submittedAt < b.submittedAt ? -1 : a.submittedAt > b.submittedAt ? 1 : 0;
}
