// The page of the watch says what the watch does.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { WATCH_CLOSE, WATCH_TOPICS } from '@cloudai/api/watch';
import { MESSAGES, SUBSCRIPTIONS } from '@cloudai/api/watch/schemas';
import { expect, test } from 'vitest';
import { OPERATION_OF } from './open-source.ts';

const page = await readFile(path.resolve(import.meta.dirname, '../../../../docs/reference/watch.md'), 'utf8');

function rows(head: string): string[][] {
  const table = page.slice(page.indexOf(head)).split('\n\n', 1)[0]!.split('\n').slice(2);
  return table.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const names = (cell: string | undefined) => [...(cell ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name!);

test('every topic, the operation that it is authorised as, and its filters', () => {
  expect(
    rows('| topic |').map(([topic, operation, filters]) => [names(topic)[0], names(operation)[0], names(filters)]),
  ).toEqual(
    WATCH_TOPICS.map((topic) => [
      topic,
      OPERATION_OF[topic],
      Object.keys(SUBSCRIPTIONS[topic].properties).filter((name) => !['kind', 'id', 'topic'].includes(name)),
    ]),
  );
});

test('every message', () => {
  expect(rows('| kind |').map(([kind]) => names(kind)[0])).toEqual(Object.keys(MESSAGES));
});

test('every code', () => {
  expect(rows('| code |').map(([code]) => Number(code))).toEqual(Object.values(WATCH_CLOSE));
});
