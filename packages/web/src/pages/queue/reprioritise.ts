import type { QueueView } from '@cloudai/sdk';

type Item = Pick<QueueView['items'][number]['task'], 'priority' | 'submittedAt'>;

export const LEAST_PRIORITY = 0;
export const MOST_PRIORITY = 100;

/**
 * The priority that brings an item of the queue between two neighbours: the queue goes by priority, then by time of
 * submit. Where no priority does it exactly, the nearest one that moves it in the right direction. null: it is there.
 */
export function priorityBetween(item: Item, above: Item | undefined, below: Item | undefined): number | null {
  const least = below?.priority ?? LEAST_PRIORITY;
  const most = above?.priority ?? MOST_PRIORITY;
  const isBeforeBelow = below === undefined || item.submittedAt < below.submittedAt;
  const isAfterAbove = above === undefined || item.submittedAt > above.submittedAt;
  const fits = (priority: number) =>
    (priority < most || (priority === most && isAfterAbove)) &&
    (priority > least || (priority === least && isBeforeBelow));
  // The smallest change first: people should find their numbers again.
  const wanted = [item.priority, least, least + 1, most, most - 1].find(
    (priority) => inRange(priority) && fits(priority),
  );
  const priority =
    wanted ?? (item.priority < least || (item.priority === least && !isBeforeBelow) ? least + 1 : most - 1);
  const clamped = Math.min(MOST_PRIORITY, Math.max(LEAST_PRIORITY, priority));
  return clamped === item.priority ? null : clamped;
}

function inRange(priority: number): boolean {
  return priority >= LEAST_PRIORITY && priority <= MOST_PRIORITY;
}

/** Where an item of the list goes: from one index to another, as a drag or a key has it. */
export function priorityAt(items: readonly Item[], from: number, to: number): number | null {
  const item = items[from];
  if (item === undefined || from === to) return null;
  const others = items.filter((_, index) => index !== from);
  return priorityBetween(item, others[to - 1], others[to]);
}
