import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Attempt, Change } from '@cloudai/engine';
import { result } from '@cloudai/engine/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { LogIntake } from '../sessions/log-intake.ts';
import type { Outbox } from '../sessions/outbox.ts';
import type { LogChunk } from './log-file.ts';
import { FileLogStore } from './log-store.ts';
import { LogSealer } from './sealer.ts';

const TASK = 'abcdefghij234567';
let directory: string;
let logs: FileLogStore;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'cloudai-sealer-'));
  logs = new FileLogStore({ directory, onFatal: (error) => expect.fail(String(error)) });
});
afterEach(async () => {
  await logs.close();
  await rm(directory, { recursive: true, force: true });
});

function sealer(attempts: readonly Attempt[] = []): LogSealer {
  const store = { attemptsOnWorker: () => Promise.resolve({ items: attempts, next: null }) };
  return new LogSealer(logs, store, (error) => expect.fail(String(error)));
}

function attempt(rest: Partial<Attempt>): Attempt {
  return { taskId: TASK, number: 1, workerId: 'w1', state: 'running', result: null, endedAt: 5, ...rest } as Attempt;
}

const changed = (row: Attempt): Change[] => [{ kind: 'attempt', row }];

async function say(text: string): Promise<void> {
  const file = await logs.open(TASK, 1);
  logs.append(file, { stream: 'stdout', offset: 0, data: Buffer.from(text), at: 1, last: false, dropped: 0 });
  await logs.flush();
}

const isComplete = async (): Promise<boolean | undefined> => (await logs.state(TASK, 1))?.complete;

test('a lost attempt says nothing more: who follows its log comes to the end', async () => {
  await say('so far');
  const records: unknown[] = [];
  const following = (async () => {
    for await (const record of logs.read(TASK, 1, { follow: true })) records.push(record);
  })();
  sealer().onCommitted(changed(attempt({ state: 'lost' })));
  await following;
  expect(records).toHaveLength(1);
  expect(await isComplete()).toBe(true);
});

test('one that ended by its own report still sends the rest', async () => {
  await say('so far');
  sealer().onCommitted(changed(attempt({ state: 'succeeded', result: result(0, 5) })));
  sealer().onCommitted(changed(attempt({ state: 'running' })));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await isComplete()).toBe(false);
});

test('when its worker is lost before it did, the log ends where it is', async () => {
  await say('so far');
  const ended = attempt({ state: 'succeeded', result: result(0, 5) });
  sealer([ended]).onCommitted([{ kind: 'worker', row: { id: 'w1', state: 'lost' } as never }]);
  await expect.poll(isComplete).toBe(true);
});

describe('a worker that returns', () => {
  const key = { taskId: TASK, attempt: 1 };
  const late = (offset: number, text: string): LogChunk => ({
    stream: 'stdout',
    offset,
    data: Buffer.from(text),
    at: 2,
    last: false,
    dropped: 0,
  });

  /** What the worker has to say once more, and whether it may forget the attempt after that. */
  async function returns(stdout: number, dropped: number, ...chunks: LogChunk[]): Promise<() => boolean> {
    const outbox = { push: () => true, ackLog: () => {} } as unknown as Outbox;
    const onError = (error: unknown) => expect.fail(String(error));
    const intake = new LogIntake({ logs, outbox, owns: () => Promise.resolve(true), now: () => 0, onError });
    for (const chunk of chunks) await intake.take(key, chunk);
    let mayForget = false;
    const bytes = { logBytes: { stdout, stderr: 0, dropped } };
    await intake.settle(key, result(0, 6, bytes), () => (mayForget = true));
    await logs.flush();
    return () => mayForget;
  }

  async function text(): Promise<string> {
    let all = '';
    for await (const { data } of logs.read(TASK, 1, { follow: true })) all += Buffer.from(data).toString();
    return all;
  }

  beforeEach(async () => {
    await say('so far');
    sealer().onCommitted(changed(attempt({ state: 'lost' })));
    await expect.poll(isComplete).toBe(true);
  });

  test('still brings what was missing, and may forget only then', async () => {
    expect((await returns(12, 0))()).toBe(false);
    expect((await returns(12, 0, late(6, ', don')))()).toBe(false);
    expect((await returns(12, 0, late(6, ', done')))()).toBe(true);
    expect(await text()).toBe('so far, done');
    expect((await logs.open(TASK, 1)).isDurablyComplete).toBe(true);
  });

  test('says exactly how much was dropped', async () => {
    expect((await returns(6, 94))()).toBe(true);
    expect(await logs.state(TASK, 1)).toMatchObject({ stdoutBytes: 6, droppedBytes: 94, complete: true });
  });

  test('does so after a restart of the master as well', async () => {
    await logs.close();
    logs = new FileLogStore({ directory, onFatal: (error) => expect.fail(String(error)) });
    expect(await text()).toBe('so far');
    expect((await returns(12, 0, late(6, ', done')))()).toBe(true);
    expect(await text()).toBe('so far, done');
  });
});

test('an attempt that never said anything gets no file, unless somebody waits for it', async () => {
  sealer().onCommitted(changed(attempt({ state: 'superseded' })));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await logs.state(TASK, 1)).toBeNull();
  const waiting = logs.read(TASK, 1, { follow: true })[Symbol.asyncIterator]().next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  sealer().onCommitted(changed(attempt({ state: 'superseded' })));
  expect(await waiting).toEqual({ done: true, value: undefined });
});
