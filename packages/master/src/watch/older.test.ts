// The sockets of earlier versions.
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import { WatchCase } from '../testing/watch-case.ts';
import { refusalOf } from '../testing/watcher.ts';

// On a machine that is busy with other tests everything takes its time.
vi.setConfig({ testTimeout: 30_000 });

let at: WatchCase;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  at = await WatchCase.open();
  await at.bench.addUser('ann', 'user', ['default']);
  await at.bench.addUser('bob', 'user', ['lab']);
  for (const id of ['w-1', 'w-2']) await at.bench.addWorker(id, { cpu: 64, memory: 256 });
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});
afterAll(() => at.close());

/** The messages of a socket, one after the other; ends with its close code. */
async function* messages(path: string, user = 'ann'): AsyncGenerator<Record<string, unknown>, number> {
  const socket = new WebSocket(`${at.url.replace('http', 'ws')}${path}`, {
    headers: { authorization: `Bearer ${at.token(user)}` },
  });
  sockets.push(socket);
  const came: RawData[] = [];
  let code: number | null = null;
  let notice = () => {};
  socket.on('message', (data) => {
    came.push(data);
    notice();
  });
  socket.on('close', (closed) => {
    code = closed;
    notice();
  });
  await once(socket, 'open');
  for (;;) {
    while (came.length > 0) yield JSON.parse(String(came.shift()));
    if (code !== null) return code;
    await new Promise<void>((resolve) => {
      notice = resolve;
    });
  }
}

const quiet = { memoryBytes: 2 ** 30, storageBytes: 1, gpu: 0, networkRxBytes: 0, networkTxBytes: 0, attempts: [] };

test('/ws/telemetry tells all workers, then each that is heard of', async () => {
  const all = messages('/ws/telemetry');
  const first = (await all.next()).value as Record<string, unknown>;
  expect(Object.keys(first)).toEqual(['w-1', 'w-2']);
  expect(first['w-1']).toMatchObject({ worker_id: 'w-1', cpu_usage: 0, running_tasks: [], is_active: true });
  at.bench.measure('w-2', { ...quiet, at: at.bench.now, cpu: 0.25 });
  const second = (await all.next()).value as Record<string, unknown>;
  expect(Object.keys(second)).toEqual(['w-2']);
  expect(second['w-2']).toMatchObject({ cpu_usage: 25 });
});

test('/ws/telemetry/{worker} tells that worker only', async () => {
  const one = messages('/ws/telemetry/w-1');
  expect(Object.keys((await one.next()).value as object)).toEqual(['w-1']);
  at.bench.measure('w-2', { ...quiet, at: at.bench.now, cpu: 0.1 });
  at.bench.measure('w-1', { ...quiet, at: at.bench.now, cpu: 0.75 });
  expect((await one.next()).value).toMatchObject({ 'w-1': { cpu_usage: 75 } });
  const none = messages('/ws/telemetry/nobody');
  expect((await none.next()).value).toEqual({ type: 'error', error: 'Worker nobody not found' });
  expect(await none.next()).toEqual({ done: true, value: 1008 });
});

test.each(['', '/logs'])('/ws/tasks/{task}%s tells the log line by line, and the end', async (rest) => {
  const id = await at.submit('ann');
  await at.bench.run(id);
  await at.bench.log(id, 'one\ntw');
  const log = messages(`/ws/tasks/${id}${rest}`);
  expect((await log.next()).value).toEqual({ type: 'connected', task_id: id });
  expect((await log.next()).value).toEqual({ type: 'log', line: 'one' });
  await at.bench.log(id, 'o\nthree');
  expect((await log.next()).value).toEqual({ type: 'log', line: 'two' });
  await at.bench.end(id);
  await at.bench.endLog(id);
  expect((await log.next()).value).toEqual({ type: 'log', line: 'three' });
  expect((await log.next()).value).toEqual({ type: 'complete', status: 'completed' });
  expect(await log.next()).toEqual({ done: true, value: 1000 });
  const foreign = messages(`/ws/tasks/${id}${rest}`, 'bob');
  expect((await foreign.next()).value).toMatchObject({ type: 'error', error: expect.stringContaining('No task') });
});

test('they need a token as everything else does, and there are no others', async () => {
  expect((await refusalOf(`${at.url}/ws/telemetry`)).status).toBe(401);
  const headers = { authorization: `Bearer ${at.token('ann')}` };
  for (const path of ['/ws', '/ws/', '/ws/other', '/ws/tasks', '/ws/tasks/', '/ws/telemetry/a/b', '/ws/tasks/%zz'])
    expect((await refusalOf(`${at.url}${path}`, { headers })).status, path).toBeGreaterThanOrEqual(400);
});
