import { copyFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { restore } from '../restore.ts';
import { CREATE, directory, opened } from '../testing/place.ts';
import { clusterRow, created, eventRow, events, idOf, taskRow } from '../testing/rows.ts';

const SLOW_MS = 60_000;

function submit(first: number, count: number, epoch = 1) {
  const numbers = Array.from({ length: count }, (_, n) => first + n);
  const last = first + count - 1;
  return [
    ...created(...numbers.map((n) => taskRow(n))),
    ...events(...numbers.map((n) => eventRow(n, { taskId: idOf(n) }))),
    { kind: 'cluster' as const, row: clusterRow({ epoch, taskSequence: last, eventSequence: last }) },
  ];
}

test('a backup made while commits go on is one moment of the store', { timeout: SLOW_MS }, async () => {
  const place = directory();
  const store = await opened(join(place, 'cloudai.db'), CREATE);
  await store.commit(1, submit(1, 3_000));
  let count = 3_000;
  const sizes: number[] = [];
  for (let n = 0; n < 3; n += 1) {
    const path = join(place, `backup-${n}.db`);
    let done = false;
    const backup = store.backup(path).finally(() => {
      done = true;
    });
    let meanwhile = 0;
    while (!done) {
      await store.commit(1, submit(count + 1, 7));
      count += 7;
      meanwhile += 1;
    }
    await backup;
    expect(meanwhile).toBeGreaterThan(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const copy = await opened(path, { readOnly: true });
    expect(await copy.fsck()).toEqual([]);
    const { tasks, cluster } = await copy.load(0);
    expect(tasks.length).toBe(cluster?.taskSequence);
    expect((tasks.length - 3_000) % 7).toBe(0);
    sizes.push(tasks.length);
    await copy.close();
  }
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
});

test('a backup never replaces a file', { timeout: SLOW_MS }, async () => {
  const place = directory();
  const store = await opened(join(place, 'cloudai.db'), CREATE);
  const path = join(place, 'notes.txt');
  writeFileSync(path, 'mine');
  await expect(store.backup(path)).rejects.toMatchObject({
    code: 'store_exists',
    message: expect.stringContaining(path),
  });
  expect(readFileSync(path, 'utf8')).toBe('mine');
  await expect(store.backup(join(place, 'nowhere', 'backup.db'))).rejects.toThrow(/nowhere/);
  await store.commit(1, []);
});

test('a restored store fences off every master of before', { timeout: SLOW_MS }, async () => {
  const place = directory();
  const path = join(place, 'cloudai.db');
  const url = `sqlite:${path}`;
  const backup = join(place, 'backup.db');
  const store = await opened(path, CREATE);
  await store.commit(3, submit(1, 5, 3));
  await store.backup(backup);
  await store.commit(8, submit(6, 5, 8));

  // Not under a running master, and not over a store that nobody said may go.
  await expect(restore(backup, url, { force: true })).rejects.toMatchObject({ code: 'store_locked' });
  await store.close();
  await expect(restore(backup, url)).rejects.toMatchObject({ code: 'store_exists' });
  expect(await restore(backup, url, { force: true })).toEqual({ epoch: 1_008, replaced: `${path}.replaced` });
  expect(await restore(backup, url, { force: true, epoch: 2_000 })).toEqual({
    epoch: 3_000,
    replaced: `${path}.replaced-2`,
  });

  const restored = await opened(path);
  expect(await restored.fsck()).toEqual([]);
  const { tasks, cluster } = await restored.load(0);
  expect(tasks).toHaveLength(5);
  expect(cluster?.epoch).toBe(3_000);
  expect((await restored.info()).epoch).toBe(3_000);
  await expect(restored.commit(8, [])).rejects.toMatchObject({ code: 'stale_epoch' });
  await restored.close();

  const old = await opened(`${path}.replaced`, { readOnly: true });
  expect((await old.load(0)).tasks).toHaveLength(10);
});

test.each([1, 99])(
  'the store that is replaced counts with its epoch, of schema %i, too',
  { timeout: SLOW_MS },
  async (schema) => {
    const place = directory();
    const [path, backup] = [join(place, 'cloudai.db'), join(place, 'backup.db')];
    for (const copy of [path, backup]) copyFileSync(new URL('../../fixtures/schema-1.db', import.meta.url), copy);
    const db = new DatabaseSync(path);
    db.exec(`UPDATE meta SET epoch = 5000; PRAGMA user_version = ${schema}`);
    db.close();
    expect(await restore(backup, `sqlite:${path}`, { force: true })).toMatchObject({ epoch: 6_000 });
    const restored = await opened(path);
    expect(await restored.fsck()).toEqual([]);
  },
);

test('a restore to a new place needs no force', { timeout: SLOW_MS }, async () => {
  const place = directory();
  const store = await opened(join(place, 'cloudai.db'), CREATE);
  await store.commit(3, submit(1, 5, 3));
  await store.backup(join(place, 'backup.db'));
  const other = join(place, 'deeper', 'other.db');
  expect(await restore(join(place, 'backup.db'), `sqlite:${other}`)).toEqual({ epoch: 1_003, replaced: null });
  expect((await (await opened(other)).load(0)).tasks).toHaveLength(5);
});

test('a damaged backup, or something else, restores nothing and changes nothing', { timeout: SLOW_MS }, async () => {
  const place = directory();
  const path = join(place, 'cloudai.db');
  const backup = join(place, 'backup.db');
  const store = await opened(path, CREATE);
  await store.commit(3, submit(1, 50, 3));
  await store.backup(backup);
  await store.close();
  const before = readFileSync(path);
  const whole = readFileSync(backup);

  truncateSync(backup, 40_960);
  await expect(restore(backup, `sqlite:${path}`, { force: true })).rejects.toMatchObject({ code: 'store_corrupt' });

  writeFileSync(backup, whole);
  const db = new DatabaseSync(backup);
  db.exec(`UPDATE task SET fence = 4`);
  db.close();
  const unsound = restore(backup, `sqlite:${path}`, { force: true });
  await expect(unsound).rejects.toMatchObject({
    code: 'store_corrupt',
    message: expect.stringMatching(/not sound.*older/),
  });

  writeFileSync(backup, 'no backup');
  await expect(restore(backup, `sqlite:${path}`, { force: true })).rejects.toMatchObject({ code: 'store_foreign' });
  await expect(restore(join(place, 'none'), `sqlite:${path}`)).rejects.toMatchObject({ code: 'store_missing' });

  expect(readFileSync(path).equals(before)).toBe(true);
  expect(existsSync(`${path}.restored`)).toBe(false);
});
