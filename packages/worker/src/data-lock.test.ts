import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DataLock } from './data-lock.ts';

let folder: string;
let others: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'cloudai-lock-'));
});
afterEach(async () => {
  for (const other of others) other.kill('SIGKILL');
  others = [];
  await rm(folder, { recursive: true });
});

/** A process that takes the lock when it is told to, says whether it has it, and keeps it. */
const PROGRAM = `
import { DataLock } from ${JSON.stringify(new URL('./data-lock.ts', import.meta.url).href)};
process.once('message', () => {
  try {
    globalThis.lock = DataLock.take(process.argv[2]);
    process.send('taken');
  } catch (error) {
    process.send(error.message);
  }
});
setInterval(() => {}, 1_000);
process.send('ready');
`;

async function anotherProcess(): Promise<{ take(): Promise<string>; readonly process: ChildProcess }> {
  const program = path.join(folder, 'take.mjs');
  await writeFile(program, PROGRAM);
  const child = fork(program, [folder], { execArgv: [], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  others.push(child);
  await once(child, 'message');
  const take = async () => {
    const answer = once(child, 'message');
    child.send('take');
    return String((await answer)[0]);
  };
  return { take, process: child };
}

test('a directory is held once at a time', () => {
  const lock = DataLock.take(folder);
  expect(() => DataLock.take(folder)).toThrow(`${folder} is in use by this process`);
  lock.release();
  DataLock.take(folder).release();
});

test('of several processes that take it at the same moment one has it, also after one that was killed', {
  timeout: 60_000,
}, async () => {
  // As earlier programs left it.
  await writeFile(path.join(folder, 'worker.pid'), '999999 another-boot 4711');
  for (let round = 0; round < 3; round += 1) {
    const all = await Promise.all(Array.from({ length: 3 }, anotherProcess));
    const answers = await Promise.all(all.map((other) => other.take()));
    const winner = all[answers.indexOf('taken')]!.process;
    expect(answers.filter((answer) => answer === 'taken')).toHaveLength(1);
    expect(() => DataLock.take(folder)).toThrow(`in use by the worker process ${winner.pid}`);
    const gone = once(winner, 'exit');
    winner.kill('SIGKILL');
    await gone;
  }
  DataLock.take(folder).release();
});

test('a directory that can not be written says so', () => {
  expect(() => DataLock.take(path.join(folder, 'nowhere'))).toThrow(/worker\.lock can not be locked/);
});
