import { expect, test } from 'vitest';
import { IdempotencyRecords } from './idempotency.ts';

function record(key: string, tasks: number) {
  const taskIds = Array.from({ length: tasks }, (_, n) => `${key}${n}`);
  return { namespace: 'default', key, bodyHash: 'h', taskIds, jobId: null, expiresAt: 1 };
}

test('records weigh what they name: few large ones are as many as many small ones', () => {
  const records = new IdempotencyRecords(12);
  for (const key of ['a', 'b', 'c']) records.add(record(key, 3));
  expect(records.isTooHeavy).toBe(false);
  records.add(record('d', 1));
  expect(records.isTooHeavy).toBe(true);
  expect(records.oldest?.key).toBe('a');
  records.delete(records.oldest!);
  expect(records.isTooHeavy).toBe(false);
});

test('one that comes again under its key weighs once and becomes the newest', () => {
  const records = new IdempotencyRecords(8);
  records.add(record('a', 3));
  records.add(record('b', 1));
  for (let n = 0; n < 5; n += 1) records.add(record('a', 3));
  expect(records.isTooHeavy).toBe(false);
  expect(records.oldest?.key).toBe('b');
  expect(records.get('default', 'a')?.taskIds).toHaveLength(3);
  expect(records.get('lab', 'a')).toBeUndefined();
});
