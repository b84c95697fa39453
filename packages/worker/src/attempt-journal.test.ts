import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileAttemptJournal } from './attempt-journal.ts';
import { type BootClock, systemBootClock } from './boot-clock.ts';

const key = { taskId: 'task', attempt: 1 };
let directory: string;
let uptimeMs = 0;
const boot = (bootId: string | null): BootClock => ({ bootId, now: () => uptimeMs });
const journal = (bootId: string | null = 'first') => new FileAttemptJournal(directory, boot(bootId));

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'journal-'));
  uptimeMs = 5_000;
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('a start is remembered by the clock of the boot, over restarts of the worker', async () => {
  expect(await journal().ranForMs(key)).toBeNull();
  await journal().writeStart(key, 200);
  uptimeMs += 90_000;
  expect(await journal().ranForMs(key)).toBe(90_200);
});

test('another boot, or a system that does not tell one from the next, knows nothing of it', async () => {
  await journal().writeStart(key, 0);
  expect(await journal('second').ranForMs(key)).toBeNull();
  await journal(null).writeStart({ taskId: 'other', attempt: 1 }, 0);
  expect(await journal(null).ranForMs(key)).toBeNull();
  expect(await readdir(path.join(directory, 'starts'))).toEqual(['task.1.json']);
});

test('a stop is remembered with its reason', async () => {
  expect(await journal().stop(key)).toBeNull();
  await journal().writeStop(key, { reason: 'timeout', message: 'it ran too long' });
  expect(await journal().stop(key)).toEqual({ reason: 'timeout', message: 'it ran too long' });
});

describe('what is no longer needed', () => {
  test('goes with its attempt, and with those that nobody knows', async () => {
    const other = { taskId: 'other', attempt: 2 };
    for (const one of [key, other]) {
      await journal().writeStart(one, 0);
      await journal().writeStop(one, { reason: 'timeout', message: null });
    }
    await journal().removeOthers([key]);
    expect(await journal().ranForMs(other)).toBeNull();
    expect(await journal().stop(other)).toBeNull();
    expect(await journal().ranForMs(key)).toBe(0);
    await journal().remove(key);
    expect(await readdir(path.join(directory, 'starts'))).toEqual([]);
    expect(await readdir(path.join(directory, 'stops'))).toEqual([]);
  });
});

test('a note that is no JSON is a failure, not a fact', async () => {
  await journal().writeStart(key, 0);
  await writeFile(path.join(directory, 'starts', 'task.1.json'), '{');
  await expect(journal().ranForMs(key)).rejects.toThrow('JSON');
});

test('the clock of this machine says which boot it is, if it can', async () => {
  const planted = path.join(directory, 'boot_id');
  await writeFile(planted, '4f1c\n');
  const [clock, unknown] = [systemBootClock(planted), systemBootClock(path.join(directory, 'none'))];
  expect([clock.bootId, unknown.bootId]).toEqual(['4f1c', null]);
  const before = clock.now();
  expect(clock.now()).toBeGreaterThanOrEqual(before);
});
