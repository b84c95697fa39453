import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Attempt, Change } from '@cloudai/engine';
import { result } from '@cloudai/engine/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
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

test('an attempt that never said anything gets no file, unless somebody waits for it', async () => {
  sealer().onCommitted(changed(attempt({ state: 'superseded' })));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await logs.state(TASK, 1)).toBeNull();
  const waiting = logs.read(TASK, 1, { follow: true })[Symbol.asyncIterator]().next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  sealer().onCommitted(changed(attempt({ state: 'superseded' })));
  expect(await waiting).toEqual({ done: true, value: undefined });
});
