import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

let bench: Bench;
let rest: RestClient;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  await bench.addWorker('w-1');
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
});

async function submitted(body: object = {}, user?: string): Promise<string> {
  const answer = await rest.post('/tasks', { image: 'busybox:1', ...body }, user === undefined ? {} : { user });
  expect(answer.text).toContain('"id"');
  return answer.body.id;
}

describe('tasks', () => {
  test('a submitted task is answered with what was filled in', async () => {
    const { status, body } = await rest.post('/tasks', {
      image: 'busybox:1',
      command: 'echo hi',
      resources: { cpu: '500m' },
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      owner: 'admin',
      namespace: 'default',
      command: 'echo hi',
      resources: { cpuMillis: 500, memoryBytes: 512 * 2 ** 20, storageBytes: 2 ** 30, gpuMillis: 0 },
      priority: 50,
    });
    expect(await bench.store.task(body.id)).not.toBeNull();
  });

  test('a task is read with its spec and attempts while it runs and after its end', async () => {
    const id = await submitted();
    await bench.run(id);
    const running = await rest.get(`/tasks/${id}`);
    expect(running.body.task).toMatchObject({ state: 'running', worker: 'w-1', attempt: 1 });
    expect(running.body.attempts).toMatchObject([
      { number: 1, state: 'running', worker: 'w-1', containerId: `c-${id}` },
    ]);
    await bench.end(id, 3);
    const ended = await rest.get(`/tasks/${id}`);
    expect(ended.body.task).toMatchObject({ state: 'failed', reason: 'exit_nonzero', exitCode: 3 });
    expect(ended.body.spec).toMatchObject({ image: 'busybox:1', stopGraceMs: 10_000 });
  });

  test('tasks are listed in pages, newest first, and filtered', async () => {
    const ids = [];
    for (let index = 0; index < 5; index++)
      ids.push(await submitted({ name: `t${index}`, labels: { i: String(index), page: '1' } }));
    const first = await rest.get('/tasks?limit=3&label=page=1');
    expect(first.body.items.map((task: { id: string }) => task.id)).toEqual(ids.toReversed().slice(0, 3));
    const second = await rest.get(`/tasks?limit=3&label=page=1&cursor=${encodeURIComponent(first.body.next)}`);
    expect(second.body.items.map((task: { id: string }) => task.id)).toEqual(ids.toReversed().slice(3));
    expect(second.body.next).toBeNull();
    expect((await rest.get('/tasks?label=i=2')).body.items).toMatchObject([{ id: ids[2] }]);
    expect((await rest.get('/tasks?state=running&label=page=1')).body.items).toEqual([]);
  });

  test('a cancelled task is answered as it is stored, and cancelling it again changes nothing', async () => {
    const id = await submitted({ startAfter: '2030-01-01T00:00:00Z' });
    const answer = await rest.post(`/tasks/${id}/cancel`);
    expect(answer.body).toMatchObject({ state: 'cancelled', reason: 'cancelled_by_user' });
    expect((await bench.store.task(id))?.state).toBe('cancelled');
    expect((await rest.post(`/tasks/${id}/cancel`, { message: 'again' })).body.version).toBe(answer.body.version);
  });
});

test('the log of a running task is read as records and as bytes', async () => {
  const id = await submitted();
  await bench.run(id);
  await bench.log(id, 'one\ntwo\n');
  await bench.log(id, 'oops\n', 'stderr');
  expect(await rest.log(`/tasks/${id}/logs`)).toMatchObject([
    { kind: 'data', attempt: 1, stream: 'stdout', offset: 0, text: 'one\ntwo\n' },
    { kind: 'data', attempt: 1, stream: 'stderr', offset: 0, text: 'oops\n' },
  ]);
  const text = await rest.get(`/tasks/${id}/logs?format=text&stream=stdout`);
  expect(text.text).toBe('one\ntwo\n');
  expect(text.headers).toMatchObject({
    'content-disposition': `attachment; filename="${id}.log"`,
    'x-content-type-options': 'nosniff',
  });
});

test('a registered worker gets a join token and is listed', async () => {
  const { status, body } = await rest.post('/workers', { id: 'w-2', address: 'machine:2376' });
  expect(status).toBe(201);
  expect(body.worker).toMatchObject({ id: 'w-2', state: 'registered', address: 'machine:2376' });
  expect(body.command).toContain(body.joinToken);
  expect((await rest.get('/workers')).body.items).toMatchObject([{ id: 'w-1' }, { id: 'w-2' }]);
  expect((await rest.post('/workers', { id: 'w-2' })).body.error.code).toBe('worker_exists');
});
