import type { TaskView } from '@cloudai/sdk';
import { describe, expect, test } from 'vitest';
import { type TaskPage, type TaskUpdates, updatePages } from './task-updates.ts';

const task = (id: string, second: number, changes: Partial<TaskView> = {}) =>
  ({
    id,
    submittedAt: `2026-11-22T12:00:${String(second).padStart(2, '0')}.000Z`,
    state: 'queued',
    version: 1,
    ...changes,
  }) as TaskView;
const page = (items: TaskView[], next: string | null = null): TaskPage => ({ items, next, sequence: 1 });
const updates = (...entries: [string, TaskView | null][]): TaskUpdates => new Map(entries);
const ids = (pages: readonly TaskPage[]) => pages.map(({ items }) => items.map(({ id }) => id));

describe('newest first', () => {
  const first = page([task('d', 4), task('c', 3)], 'x');
  const second = page([task('b', 2), task('a', 1)]);

  test('a row is replaced where it is; the other page stays the same object', () => {
    const running = task('b', 2, { state: 'running', version: 2 });
    const [one, two] = updatePages([first, second], updates(['b', running]), 'newest');
    expect(one).toBe(first);
    expect(two!.items[0]).toBe(running);
  });

  test('news that is older than the row changes nothing', () => {
    const row = task('b', 2, { version: 5, state: 'running' });
    const [only] = updatePages([page([row])], updates(['b', task('b', 2, { version: 4 })]), 'newest');
    expect(only!.items[0]).toBe(row);
  });

  test('what left is taken out, and what was never there is no matter', () => {
    expect(ids(updatePages([first, second], updates(['c', null], ['z', null]), 'newest'))).toEqual([['d'], ['b', 'a']]);
  });

  test('new tasks come first, the newest on top', () => {
    const changed = updatePages([first, second], updates(['e', task('e', 5)], ['f', task('f', 6)]), 'newest');
    expect(ids(changed)).toEqual([
      ['f', 'e', 'd', 'c'],
      ['b', 'a'],
    ]);
  });

  test('an old task that begins to match has its place further down, not on top', () => {
    expect(ids(updatePages([first], updates(['0', task('0', 0)]), 'newest'))).toEqual([['d', 'c']]);
  });

  test('an empty list takes anything', () => {
    expect(ids(updatePages([page([])], updates(['a', task('a', 1)]), 'newest'))).toEqual([['a']]);
  });
});

test('oldest first: new tasks go to the end once the end is loaded', () => {
  const update = updates(['b', task('b', 2)]);
  expect(ids(updatePages([page([task('a', 1)])], update, 'oldest'))).toEqual([['a', 'b']]);
  expect(ids(updatePages([page([task('a', 1)], 'x')], update, 'oldest'))).toEqual([['a']]);
});
