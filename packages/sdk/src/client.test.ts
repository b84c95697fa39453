import type { OperationName } from '@cloudai/api/routes';
import { ROUTES } from '@cloudai/api/routes';
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { ApiError } from './api-error.ts';
import { CloudAI, type CloudAIOptions } from './client.ts';
import type { RetryNotice } from './retry.ts';
import { aTask, aWorker, MemoryMaster } from './testing/index.ts';
import { ConnectionError } from './transport/transport.ts';

let master: MemoryMaster;
let client: CloudAI;
const notices: RetryNotice[] = [];

function connect(options: Partial<CloudAIOptions> = {}): CloudAI {
  return new CloudAI({
    url: master.url,
    token: master.token,
    retry: { limit: 3, baseMs: 1, maxMs: 4 },
    onRetry: (notice) => notices.push(notice),
    ...options,
  });
}

beforeEach(async () => {
  master = await MemoryMaster.start();
  client = connect();
  notices.length = 0;
});
afterEach(async () => {
  client.close();
  await master.close();
});

test('there is a method for every operation', () => {
  expectTypeOf<OperationName>().toExtend<keyof CloudAI>();
  for (const name of Object.keys(ROUTES)) expect(client[name as OperationName]).toBeTypeOf('function');
});

describe('errors', () => {
  test('a refusal carries code, status, message, request and remedy', async () => {
    const error = await client.getTask('nope').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ code: 'task_unknown', status: 404, requestId: 'r-1' });
    expect((error as ApiError).message).toContain('nope');
    expect((error as ApiError).remedy).toBe('Check the id with `cloudai tasks`.');
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ error: { code: 'task_unknown', requestId: 'r-1' } });
  });

  test('an answer that is not of this API says so', async () => {
    const odd = connect({ url: `${master.url}/elsewhere` });
    await expect(odd.getVersion()).rejects.toMatchObject({ code: 'not_found', status: 404 });
  });

  test('nobody listening is a refused connection, with the address', async () => {
    const { port } = master;
    await master.close();
    await expect(client.getVersion()).rejects.toMatchObject({
      name: 'ConnectionError',
      kind: 'refused',
      message: `nobody listens at 127.0.0.1:${port}`,
    });
    expect(notices.length).toBe(3);
    await master.listen(0);
  });

  test('a wrong token is not repeated', async () => {
    const stranger = connect({ token: 'cai_x_wrong' });
    await expect(stranger.getVersion()).rejects.toMatchObject({ code: 'unauthenticated', status: 401 });
    expect(notices).toEqual([]);
  });

  test('an abort surfaces as its reason', async () => {
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await expect(client.getVersion({ signal: stop.signal })).rejects.toThrow('enough');
  });
});

describe('submits', () => {
  test('a submit whose answer was lost is sent again with the same key and makes one task', async () => {
    master.failNext('submitTask', 'break-after', 'break-before');
    const task = await client.submitTask({ image: 'busybox' });
    expect(master.tasks.size).toBe(1);
    expect(master.tasks.has(task.id)).toBe(true);
    const keys = master.requests.map(({ headers }) => headers['idempotency-key']);
    expect(keys.length).toBe(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[\w-]{36}$/);
  });

  test('two submits have two keys', async () => {
    await client.submitTask({ image: 'busybox' });
    await client.submitTask({ image: 'busybox' });
    expect(new Set(master.requests.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
  });

  test('a 503 is waited out as long as the server asks', async () => {
    master.failNext('submitJob', { status: 503, code: 'unavailable', retryAfter: 0.05 });
    const job = await client.submitJob({ tasks: [{ image: 'a' }, { image: 'b' }] });
    expect(job.taskIds.length).toBe(2);
    expect(notices).toMatchObject([{ attempt: 1, waitMs: 50 }]);
  });

  test('repeats are bounded', async () => {
    master.failNext('submitTask', ...Array.from({ length: 10 }, () => 'break-before' as const));
    await expect(client.submitTask({ image: 'busybox' })).rejects.toMatchObject({ kind: 'lost' });
    expect(master.requests.length).toBe(4);
  });

  test('a full store is not hammered', async () => {
    master.failNext('submitTask', { status: 503, code: 'store_full' });
    await expect(client.submitTask({ image: 'busybox' })).rejects.toMatchObject({ code: 'store_full' });
    expect(master.requests.length).toBe(1);
  });

  test('a namespace goes along', async () => {
    await connect({ namespace: 'research' }).submitTask({ image: 'busybox' });
    await client.submitTask({ image: 'busybox' }, { namespace: 'teaching' });
    expect(master.requests.map(({ query }) => query.namespace)).toEqual(['research', 'teaching']);
  });
});

test('a registration whose answer was lost is not repeated: its token would be lost or doubled', async () => {
  master.failNext('registerWorker', 'break-after');
  await expect(client.registerWorker({ id: 'worker-9' })).rejects.toBeInstanceOf(ConnectionError);
  expect(master.requests.length).toBe(1);
});

test('lists walk through all pages', async () => {
  for (let index = 0; index < 7; index++) master.addTask({ task: aTask({ id: `task${index}` }) });
  const ids: string[] = [];
  for await (const task of client.listTasks({ limit: 3 })) ids.push(task.id);
  expect(ids.length).toBe(7);
  expect(master.requests.map(({ query }) => query.cursor)).toEqual([undefined, '3', '6']);
  expect((await client.listTasks({ limit: 3 }).take(4)).length).toBe(4);
  expect((await client.listTasks({ limit: 3 }).page()).next).toBe('3');
});

test('connections are kept and used again', async () => {
  const ports = new Set<string | undefined>();
  for (let index = 0; index < 5; index++) {
    await client.getVersion();
    await client.revokeToken('4xk2m7');
  }
  for (const { headers } of master.requests) ports.add(headers.connection);
  expect([...ports]).toEqual(['keep-alive']);
});

test('ids are encoded and artifact paths keep their folders', async () => {
  master.addTask({ task: aTask({ id: 'abc' }) });
  master.contents.set('sub dir/ä#1.txt', 'content');
  const { stream, sizeBytes } = await client.getArtifact('abc', 'sub dir/ä#1.txt');
  let text = '';
  for await (const chunk of stream) text += Buffer.from(chunk).toString();
  expect(text).toBe('content');
  expect(sizeBytes).toBe(7);
  await expect(client.getTask('../workers')).rejects.toMatchObject({ code: 'task_unknown' });
  expect(master.requests.at(-1)?.params).toEqual({ task: '../workers' });
});

test('waiting ends with the task', async () => {
  master.addTask({ task: aTask({ id: 'abc' }) });
  setTimeout(() => master.end('abc', { state: 'completed', reason: 'exit_zero', exitCode: 0 }), 120);
  const { task } = await client.waitForTask('abc', { pollMs: 20 });
  expect(task.state).toBe('completed');
});

test('labels, drains and workers', async () => {
  master.workers.set('worker-1', aWorker());
  expect((await client.labelWorker('worker-1', { a: '1', zone: null })).labels).toEqual({ a: '1' });
  expect((await client.drainWorker('worker-1', { reason: 'disk' })).drain).toMatchObject({ reason: 'disk' });
  expect((await client.listWorkers().take(9)).map(({ id }) => id)).toEqual(['worker-1']);
  await client.unregisterWorker('worker-1', { force: true });
  expect(master.workers.size).toBe(0);
});
