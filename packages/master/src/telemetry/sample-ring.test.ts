import { expect, test } from 'vitest';
import { Buckets } from './buckets.ts';
import type { Fields } from './fields.ts';
import { RING_MS, SampleRing } from './sample-ring.ts';

const START = Date.UTC(2027, 0, 31, 12);
const FIELDS: Fields = { names: ['gauge', 'count'], isCount: [false, true] };

function all(ring: SampleRing, from = 0, to = Number.MAX_SAFE_INTEGER): [number, number, number][] {
  const rows: [number, number, number][] = [];
  ring.read(from, to, (at, row) => rows.push([(at - START) / 1_000, row[0]!, row[1]!]));
  return rows;
}

test('holds an hour and forgets what is older', () => {
  const ring = new SampleRing(FIELDS);
  for (let second = 0; second < 7_200; second += 5) ring.put(START + second * 1_000, [second, 1]);
  const rows = all(ring);
  expect(rows).toHaveLength(720);
  expect(rows[0]).toEqual([3_600, 3_600, 1]);
  expect(rows.at(-1)).toEqual([7_195, 7_195, 1]);
  expect(all(ring, START + 7_000_000, START + 7_010_000)).toHaveLength(2);
  expect(ring.bytes).toBe(720 * 2 * 4);
});

test('a second sample of a slot replaces a gauge and adds to a count', () => {
  const ring = new SampleRing(FIELDS);
  ring.put(START, [1, 1]);
  ring.put(START + 4_999, [2, 1]);
  expect(all(ring)).toEqual([[0, 2, 2]]);
});

test('silence is a gap, even where the ring had values an hour before', () => {
  const ring = new SampleRing(FIELDS);
  for (let second = 0; second < 3_600; second += 5) ring.put(START + second * 1_000, [1, 1]);
  ring.put(START + 5_400_000, [2, 1]);
  const rows = all(ring);
  expect(rows.map(([second]) => second).filter((second) => second >= 3_600)).toEqual([5_400]);
  ring.put(START + 5_400_000 + 100 * RING_MS, [3, 1]);
  expect(all(ring)).toHaveLength(1);
});

test('a clock that went back changes nothing that was', () => {
  const ring = new SampleRing(FIELDS);
  ring.put(START + 60_000, [1, 1]);
  ring.put(START, [9, 9]);
  expect(all(ring)).toEqual([[60, 1, 1]]);
});

test('a heartbeat that comes a little late is no gap; one that stays away is', () => {
  const buckets = new Buckets(FIELDS, START, START + 40_000, 5_000);
  for (const second of [0, 5, 11, 14])
    buckets.add({ at: START + second * 1_000, holdMs: 12_000, mean: [second, 1], max: [second, 1], weight: 1 });
  const { series, at } = buckets.columns();
  expect(at.map((ms) => (ms - START) / 1_000)).toEqual([0, 5, 10, 15, 20, 25, 30, 35]);
  expect(series.gauge).toEqual([0, 5, 12.5, 12.5, 12.5, 12.5, null, null]);
  expect(series.count).toEqual([1, 1, 2, 0, 0, 0, null, null]);
});
