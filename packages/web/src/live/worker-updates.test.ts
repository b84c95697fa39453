import type { UsageView, WorkerView } from '@cloudai/sdk';
import { expect, test } from 'vitest';
import { updateWorkers } from './worker-updates.ts';

const at = (second: number) => `2026-11-22T12:00:0${second}.000Z`;
const usage = (second: number, cpu: number) => ({ at: at(second), cpu }) as UsageView;
const worker = (id: string, changes: Partial<WorkerView> = {}) =>
  ({ id, state: 'active', usage: null, lastSeenAt: null, ...changes }) as WorkerView;

test('a worker is added in the order of ids, changed, and taken out', () => {
  const added = updateWorkers([worker('a'), worker('c')], [{ kind: 'row', worker: worker('b') }]);
  expect(added.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  const changed = updateWorkers(added, [
    { kind: 'row', worker: worker('b', { state: 'lost' }) },
    { kind: 'gone', id: 'a' },
  ]);
  expect(changed.map(({ id, state }) => [id, state])).toEqual([
    ['b', 'lost'],
    ['c', 'active'],
  ]);
});

test('a sample brings usage and the time it was seen; one of an unknown worker is no matter', () => {
  const [row, ...others] = updateWorkers(
    [worker('a')],
    [
      { kind: 'usage', id: 'a', usage: usage(2, 0.5), at: at(2) },
      { kind: 'usage', id: 'z', usage: usage(2, 0.5), at: at(2) },
    ],
  );
  expect(row).toMatchObject({ usage: { cpu: 0.5 }, lastSeenAt: at(2) });
  expect(others).toEqual([]);
});

test('a row does not bring back an older usage', () => {
  const rows = [worker('a', { usage: usage(5, 0.9) })];
  const [row] = updateWorkers(rows, [{ kind: 'row', worker: worker('a', { usage: usage(3, 0.1) }) }]);
  expect(row!.usage!.cpu).toBe(0.9);
});
