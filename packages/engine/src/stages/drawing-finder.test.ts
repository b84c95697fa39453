import { expect, test } from 'vitest';
import { placementPolicy } from '../policy/registry.ts';
import { roomOf, specRow, taskRow, workerRow } from '../testing/rows.ts';
import { place } from './place.ts';
import { WaitingQueue } from './queue.ts';

const random = placementPolicy('random')!;

function drawn(seed: number, workers: number, tasks: number, gpu = 0): string[] {
  const queue = new WaitingQueue();
  for (let n = 0; n < tasks; n++) queue.add(taskRow(`t${n}`, specRow({ cpu: 1, gpu }), { sequence: n }));
  const rooms = Array.from({ length: workers }, (_, n) => roomOf(workerRow(`w${100 + n}`, { cpu: 1000, gpu: 4 })));
  const plan = place({ queue, workers: rooms, cursor: null, quota: () => null, seed }, random, tasks);
  return plan.assignments.map(({ workerId, gpus }) => `${workerId}${gpus?.map(({ index }) => `/${index}`).join('')}`);
}

test('a seed draws the same again, another one something else', () => {
  expect(drawn(7, 20, 30, 0.1)).toEqual(drawn(7, 20, 30, 0.1));
  expect(drawn(7, 20, 30, 0.1)).not.toEqual(drawn(8, 20, 30, 0.1));
});

test('every worker with room is as likely as the others', () => {
  const counts = new Map<string, number>();
  for (const id of drawn(1, 10, 10_000)) counts.set(id, (counts.get(id) ?? 0) + 1);
  expect(counts.size).toBe(10);
  // 1,000 each on average; a fair draw is more than 150 away once in a million times.
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('the one worker with room is found among many full ones', () => {
  const queue = new WaitingQueue();
  queue.add(taskRow('t', specRow({ cpu: 2 })));
  const rooms = Array.from({ length: 500 }, (_, n) => roomOf(workerRow(`w${1000 + n}`, { cpu: n === 321 ? 2 : 1 })));
  const plan = place({ queue, workers: rooms, cursor: null, quota: () => null, seed: 3 }, random, 1);
  expect(plan.assignments).toMatchObject([{ workerId: 'w1321' }]);
});
