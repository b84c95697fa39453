import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { CREATE, directory, opened } from '../testing/place.ts';
import { created, taskRow } from '../testing/rows.ts';
import { connectForWriting } from './connection.ts';
import { migrate, SCHEMA, schemaOf } from './schema.ts';

const SLOW_MS = 60_000;

/** Stores as the programs of their time left them: 150 steps of the history with seed 1 (`testing/history.ts`). */
const KEPT = [
  { schema: 1, tasks: 50, attempts: 73, events: 386, epoch: 4 },
  { schema: 2, tasks: 50, attempts: 73, events: 386, epoch: 4 },
] as const;
const COUNTS = { assigned: 8, cancelled: 1, completed: 14, failed: 5, pending: 6, queued: 14, running: 2 };

test('there is a kept store of every schema', () => {
  expect(KEPT.map(({ schema }) => schema)).toEqual(Array.from({ length: SCHEMA }, (_, n) => n + 1));
});

test.each(KEPT)('a store of schema $schema is brought up to date and goes on', { timeout: SLOW_MS }, async (kept) => {
  const path = join(directory(), 'cloudai.db');
  copyFileSync(new URL(`../../fixtures/schema-${kept.schema}.db`, import.meta.url), path);
  const store = await opened(path);
  expect(await store.info()).toMatchObject({ schema: SCHEMA, clusterId: 'cluster-1', epoch: kept.epoch });
  expect(await store.fsck()).toEqual([]);
  expect(await store.countTasks({ namespaces: 'all' })).toEqual(COUNTS);
  const { tasks, attempts, cluster } = await store.load(0);
  expect({ tasks: tasks.length, attempts: attempts.length, events: cluster?.eventSequence }).toEqual({
    tasks: kept.tasks,
    attempts: kept.attempts,
    events: kept.events,
  });
  expect(await store.events({ namespaces: 'all' }, 0, 10_000)).toHaveLength(kept.events);
  await store.commit(kept.epoch + 1, created(taskRow(1_000)));
});

test('who only reads leaves an older store as it is, and says what to do', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  copyFileSync(new URL('../../fixtures/schema-1.db', import.meta.url), path);
  const before = readFileSync(path);
  await expect(opened(path, { readOnly: true })).rejects.toThrow(/start the master once.*back it up before that/);
  expect(readFileSync(path).equals(before)).toBe(true);
});

test('what the writer relies on is read back from SQLite', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  await (await opened(path, CREATE)).close();
  const db = connectForWriting(path);
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
  expect(pragma('journal_mode')).toBe('wal');
  expect(pragma('synchronous')).toBe(2);
  expect(pragma('wal_autocheckpoint')).toBe(0);
  expect(schemaOf(db)).toBe(SCHEMA);
  db.close();
});

test('a migration that fails leaves the store at the schema before it', () => {
  const db = new DatabaseSync(':memory:');
  db.exec('CREATE TABLE task (somebody TEXT)');
  expect(() => migrate(db)).toThrow(/already exists/);
  expect(schemaOf(db)).toBe(0);
  expect(db.prepare(`SELECT count(*) AS tables FROM sqlite_schema`).get()).toEqual({ tables: 1 });
});
