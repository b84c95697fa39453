import { expect, test } from 'vitest';
import { barsOf } from './attempt-bars.ts';

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 22) + seconds * 1000).toISOString();
const now = Date.parse(at(100));

test('waiting, preparing and running add up to the life of a task', () => {
  const [row] = barsOf(
    { submittedAt: at(0), endedAt: at(100) },
    [{ number: 1, assignedAt: at(20), startedAt: at(50), endedAt: at(100) }],
    now,
  );
  expect(row!.bars.map(({ kind, left, width, ms }) => [kind, left, width, ms])).toEqual([
    ['queued', 0, 0.2, 20_000],
    ['assigned', 0.2, 0.3, 30_000],
    ['running', 0.5, 0.5, 50_000],
  ]);
});

test('a second attempt waits from the end of the first', () => {
  const rows = barsOf(
    { submittedAt: at(0), endedAt: null },
    [
      { number: 1, assignedAt: at(0), startedAt: null, endedAt: at(50) },
      { number: 2, assignedAt: at(75), startedAt: at(75), endedAt: null },
    ],
    now,
  );
  expect(rows.map(({ bars }) => bars.map(({ kind, ms }) => [kind, ms]))).toEqual([
    [['assigned', 50_000]],
    [
      ['queued', 25_000],
      ['running', 25_000],
    ],
  ]);
});

test('a task without an attempt only waits', () => {
  expect(barsOf({ submittedAt: at(0), endedAt: null }, [], now)).toMatchObject([
    { label: 'So far', bars: [{ kind: 'queued', left: 0, width: 1 }] },
  ]);
});

test('a clock that is behind the master draws nothing impossible', () => {
  const rows = barsOf(
    { submittedAt: at(200), endedAt: null },
    [{ number: 1, assignedAt: at(201), startedAt: at(202), endedAt: null }],
    now,
  );
  for (const { left, width } of rows.flatMap(({ bars }) => bars)) {
    expect(left).toBeGreaterThanOrEqual(0);
    expect(left + width).toBeLessThanOrEqual(1);
  }
});
