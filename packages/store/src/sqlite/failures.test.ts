// The file is not what it should be: each case is refused with its own code, a text that names the file and says what
// to do, and without changing a byte.
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { StoreError, type StoreErrorCode } from '../store.ts';
import { history, numbers } from '../testing/history.ts';
import { CREATE, directory, opened } from '../testing/place.ts';
import { attemptRow, attempts, created, eventRow, events, taskRow, workerRow } from '../testing/rows.ts';
import { Auditor } from './auditor.ts';
import { connectForReading } from './connection.ts';
import { load } from './load.ts';

const SLOW_MS = 60_000;

async function refuses(path: string, code: StoreErrorCode, text: RegExp): Promise<void> {
  const before = readFileSync(path);
  for (const readOnly of [false, true]) {
    const error: unknown = await opened(path, { readOnly }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(path) });
    expect((error as StoreError).message).toMatch(text);
  }
  await expect(opened(path, CREATE)).rejects.toMatchObject({ code: 'store_exists' });
  expect(readFileSync(path).equals(before)).toBe(true);
}

async function filled(path: string): Promise<void> {
  const store = await opened(path, CREATE);
  const rows = Array.from({ length: 60 }, (_, n) => taskRow(n + 1, { message: `task number ${n}`, fence: 1 }));
  await store.commit(1, [
    { kind: 'worker', row: workerRow('w1') },
    ...created(...rows),
    ...attempts(...rows.map(({ id }) => attemptRow(id, 1))),
    ...events(...rows.map(({ id }, n) => eventRow(n + 1, { taskId: id }))),
  ]);
  await store.close();
}

test('a file of another kind is foreign', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  writeFileSync(path, 'these are my notes\n'.repeat(100));
  await refuses(path, 'store_foreign', /not a CloudAI store/);
});

test('an SQLite file of another program is foreign', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  const db = new DatabaseSync(path);
  db.exec('CREATE TABLE task (id TEXT); PRAGMA user_version = 1');
  db.close();
  await refuses(path, 'store_foreign', /another program/);
});

test('a directory is foreign', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  mkdirSync(path);
  await expect(opened(path)).rejects.toMatchObject({ code: 'store_foreign' });
});

test('an empty file, and one that is cut off, are corrupt', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  writeFileSync(path, '');
  await refuses(path, 'store_corrupt', /cut off: only 0 bytes.*Restore a backup/);
  const whole = join(directory(), 'cloudai.db');
  await filled(whole);
  const { length } = readFileSync(whole);
  for (const left of [length - 4096, Math.floor(length / 2), 8192]) {
    copyFileSync(whole, path);
    truncateSync(path, left);
    const error: unknown = await opened(path).catch((reason: unknown) => reason);
    expect(error, `${left} of ${length} bytes`).toMatchObject({ code: 'store_corrupt' });
    expect(String(error)).toMatch(/restore a backup/i);
  }
});

test('a store of a newer program is refused with the ways out', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  await filled(path);
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await refuses(path, 'store_newer', /schema 99.*newer CloudAI.*backup/);
});

test('a log without its store is not taken for nothing', { timeout: SLOW_MS }, async () => {
  const path = join(directory(), 'cloudai.db');
  writeFileSync(`${path}-wal`, 'committed, not yet copied');
  await expect(opened(path)).rejects.toMatchObject({ code: 'store_missing', message: expect.stringMatching(/-wal/) });
  await expect(opened(path, CREATE)).rejects.toMatchObject({ code: 'store_exists' });
});

test('a URL that names no store is refused', { timeout: SLOW_MS }, async () => {
  const { openStore } = await import('../open.ts');
  for (const url of ['', 'sqlite:', 'postgres://db/cloudai', '/var/lib/cloudai.db']) {
    await expect(openStore(url)).rejects.toMatchObject({ code: 'store_missing' });
  }
});

/** All that is stored, as it is. */
function rowsOf(db: DatabaseSync): unknown[] {
  const definitions = db.prepare('SELECT name, sql FROM sqlite_schema ORDER BY name').all();
  const tables = definitions.filter(({ sql }) => String(sql).startsWith('CREATE TABLE')).map(({ name }) => name);
  return [definitions, ...tables.map((name) => db.prepare(`SELECT * FROM ${String(name)} ORDER BY 1, 2`).all())];
}

test('one flipped bit is found, or harms nothing', { timeout: SLOW_MS }, async () => {
  const place = directory();
  const whole = join(place, 'cloudai.db');
  const store = await opened(whole, CREATE);
  const changes = history(3, 60);
  const last = changes.at(-1);
  await store.commit(last?.kind === 'cluster' ? last.row.epoch : 0, changes);
  expect(await store.fsck()).toEqual([]);
  await store.close();
  const before = connectForReading(whole);
  const original = rowsOf(before);
  before.close();
  const bytes = readFileSync(whole);
  const random = numbers(7);
  // Also the beginning, and the texts of triggers, which random places would seldom meet.
  const trigger = bytes.indexOf('CREATE TRIGGER');
  const places = [
    ...Array.from({ length: 100 }, (_, n) => n),
    ...Array.from({ length: 100 }, (_, n) => trigger + 3 * n),
    ...Array.from({ length: 300 }, () => random(bytes.length)),
  ];
  const told = new Map<string, number>();
  const count = (how: string) => told.set(how, (told.get(how) ?? 0) + 1);
  for (const at of places) {
    const path = join(place, 'flipped.db');
    const flipped = Buffer.from(bytes);
    flipped[at] = flipped[at]! ^ (1 << random(8));
    writeFileSync(path, flipped);
    try {
      await load(path, 0);
      const auditor = new Auditor(path);
      const findings = auditor.fsck();
      auditor.close();
      if (findings.length > 0) {
        count('found by fsck');
        continue;
      }
      const db = connectForReading(path);
      expect(rowsOf(db), `byte ${at} is another and nobody noticed`).toEqual(original);
      db.close();
      count('harmless');
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      expect(['store_corrupt', 'store_foreign', 'store_newer', 'store_io', 'store_failed']).toContain(error.code);
      count(error.code);
    }
  }
  // Each of the three has to be met for the case to mean something.
  for (const how of ['found by fsck', 'store_corrupt', 'harmless']) expect(told.get(how), how).toBeGreaterThan(20);
});
