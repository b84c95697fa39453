import { expect, test } from 'vitest';
import type { AttemptUsage } from '../context.ts';
import { AttemptHistory } from './attempt-series.ts';
import type { Point } from './buckets.ts';
import { ATTEMPT_FIELDS } from './fields.ts';

const START = Date.UTC(2027, 0, 31, 12);
const column = (name: string) => ATTEMPT_FIELDS.names.indexOf(name as never);

function usage(values: Partial<AttemptUsage>): AttemptUsage {
  return {
    taskId: 'aaaa',
    attempt: 1,
    cpuMicros: 0,
    cpuMillis: 0,
    memoryBytes: 0,
    memoryPeakBytes: 0,
    storageBytes: 0,
    networkRxBytes: 0,
    networkTxBytes: 0,
    paused: false,
    ...values,
  };
}

function pointsOf(history: AttemptHistory): Point[] {
  const points: Point[] = [];
  history.points((point) =>
    points.push({ ...point, mean: [...Array.from(point.mean)], max: [...Array.from(point.max)] }),
  );
  return points;
}

test('the whole life of an attempt is kept, in ever longer steps and never more memory', () => {
  const history = new AttemptHistory();
  const week = 7 * 86_400_000;
  for (let at = 0; at < week; at += 5_000)
    history.put(START + at, usage({ cpuMillis: at < week / 2 ? 100 : 300, memoryBytes: at === 60_000 ? 999 : 10 }));
  const points = pointsOf(history);
  expect(points.length).toBeGreaterThan(100);
  expect(points.length).toBeLessThanOrEqual(240);
  expect(history.bytes).toBeLessThanOrEqual(240 * 17 * 4);
  expect(points[0]!.at).toBe(START);
  expect(points.at(-1)!.at + history.stepMs).toBeGreaterThanOrEqual(START + week - 5_000);
  expect(points[0]!.mean[column('cpuMillis')]).toBeCloseTo(100);
  expect(points.at(-1)!.mean[column('cpuMillis')]).toBeCloseTo(300);
  // A peak of one sample is still there.
  expect(points[0]!.max[column('memoryBytes')]).toBe(999);
  expect(points.reduce((sum, { weight }) => sum + weight, 0)).toBe(week / 5_000);
});

test('rates come from counters; one that began anew tells nothing', () => {
  const history = new AttemptHistory();
  const put = (second: number, networkRxBytes: number) =>
    history.put(START + second * 1_000, usage({ networkRxBytes, diskReadBytes: null }));
  put(0, 1_000);
  put(5, 6_000);
  put(10, 500);
  const rates = pointsOf(history).map(({ mean }) => mean[column('networkRxBytesPerSecond')]);
  // The highest counter is what was transferred, so a fallen one is seen as standing still.
  expect(rates).toEqual([Number.NaN, 1_000, 0]);
  expect(history.totals.networkRxBytes).toBe(6_000);
  expect(history.totals.diskReadBytes).toBe(null);
});

test('a sample from before the newest one is dropped', () => {
  const history = new AttemptHistory();
  history.put(START + 10_000, usage({ cpuMillis: 1 }));
  history.put(START, usage({ cpuMillis: 500 }));
  expect(pointsOf(history)).toHaveLength(1);
});

test('it goes on after a restart where it was', () => {
  const history = new AttemptHistory();
  for (let at = 0; at < 3_600_000; at += 5_000) history.put(START + at, usage({ cpuMicros: at, cpuMillis: 7 }));
  const again = AttemptHistory.of(history.stored());
  expect(pointsOf(again)).toEqual(pointsOf(history));
  again.put(START + 4_000_000, usage({ cpuMicros: 4_000_000, cpuMillis: 9 }));
  expect(pointsOf(again).at(-1)!.mean[column('cpuMillis')]).toBe(9);
  expect(again.totals.cpuMicros).toBe(4_000_000);
});
