import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataLock } from './data-lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cloudai-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

const lockOf = (pid: number, birth: string) => writeFile(path.join(folder, 'worker.pid'), `${pid} ${birth}`);

test('a directory is held by one process at a time', async () => {
  const lock = await DataLock.take(folder);
  await expect(DataLock.take(folder)).rejects.toThrow('in use');
  await lock.release();
  await (await DataLock.take(folder)).release();
});

test('the lock of a live process holds', async () => {
  await lockOf(process.ppid, '');
  await expect(DataLock.take(folder)).rejects.toThrow(`in use by the worker process ${process.ppid}`);
});

test('the lock of a process that is gone is taken over', async () => {
  await lockOf(2 ** 30, '');
  await (await DataLock.take(folder)).release();
});

test('so is that of a process whose number somebody else has now, as after a restart of the machine', async () => {
  await lockOf(process.ppid, 'another-boot 4711');
  const lock = await DataLock.take(folder);
  expect(await readFile(path.join(folder, 'worker.pid'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
  await lock.release();
});
