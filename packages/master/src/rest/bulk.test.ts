// Many tasks in one call, and jobs.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

let bench: Bench;
let rest: RestClient;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  await bench.addUser('ann', 'user', ['red']);
  await bench.addUser('bob', 'user', ['blue']);
  await bench.addWorker('w-1');
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
});

const LATER = { startAfter: '2030-01-01T00:00:00Z' };

async function submitted(body: object, user = 'admin'): Promise<string> {
  const answer = await rest.post('/tasks', { image: 'busybox', ...body }, { user });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.id;
}

async function ended(body: object = {}): Promise<string> {
  const id = await submitted(body);
  await bench.run(id);
  await bench.end(id, 1);
  return id;
}

describe('cancelling many', () => {
  test('each task has an outcome: cancelled, ended already, unknown, not one', async () => {
    const [waits, done] = [await submitted(LATER), await ended()];
    const { status, body } = await rest.post('/tasks/cancel', {
      ids: [waits, done, 'aaaaaaaaaaaaaaaa', 'NO', waits],
      message: 'no longer needed',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ done: 1, unchanged: 1, refused: 2, more: false });
    expect(body.items).toMatchObject([
      { task: waits, outcome: 'done', state: 'cancelled', error: null },
      { task: done, outcome: 'unchanged', state: 'failed' },
      { task: 'aaaaaaaaaaaaaaaa', outcome: 'refused', state: null, error: { code: 'task_unknown' } },
      { task: 'NO', outcome: 'refused', error: { code: 'task_unknown' } },
    ]);
    expect((await rest.get(`/tasks/${waits}`)).body.task.message).toContain('no longer needed');
  });

  test('a filter takes what it finds and has not ended, within its limit, and says whether there is more', async () => {
    const ids = [];
    for (let index = 0; index < 5; index++) ids.push(await submitted({ ...LATER, labels: { sweep: 'a' } }));
    const other = await submitted({ ...LATER, labels: { sweep: 'b' } });
    const filter = { label: 'sweep=a' };
    const dry = await rest.post('/tasks/cancel', { filter, dryRun: true });
    expect(dry.body.items.map(({ task, outcome }: Record<string, string>) => [task, outcome])).toEqual(
      ids.map((id) => [id, 'would']),
    );
    const first = await rest.post('/tasks/cancel', { filter, limit: 3 });
    expect(first.body).toMatchObject({ done: 3, more: true });
    const second = await rest.post('/tasks/cancel', { filter, limit: 3 });
    expect(second.body).toMatchObject({ done: 2, more: false });
    expect((await rest.post('/tasks/cancel', { filter })).body.items).toEqual([]);
    expect(bench.engine.task(other)?.state).toBe('pending');
  });

  test('a user reaches own tasks only, by id as by filter', async () => {
    const [own, foreign] = [await submitted(LATER, 'ann'), await submitted(LATER, 'bob')];
    const byId = await rest.post('/tasks/cancel', { ids: [foreign] }, { user: 'ann' });
    expect(byId.body.items).toMatchObject([{ outcome: 'refused', error: { code: 'task_unknown' } }]);
    const byFilter = await rest.post('/tasks/cancel', { filter: { state: 'pending' } }, { user: 'ann' });
    expect(byFilter.body.items.map(({ task }: { task: string }) => task)).toEqual([own]);
    const asked = await rest.post('/tasks/cancel', { filter: { namespace: 'blue' } }, { user: 'ann' });
    expect(asked.body.items).toEqual([]);
    expect(bench.engine.task(foreign)?.state).toBe('pending');
  });

  test('neither, both, nothing in the filter and unknown fields are refused', async () => {
    for (const body of [
      {},
      { ids: ['a'], filter: { q: 'a' } },
      { filter: {} },
      { filter: { colour: 'red' } },
      { ids: [] },
    ])
      expect((await rest.post('/tasks/cancel', body)).body.error.code, JSON.stringify(body)).toBe('invalid_argument');
  });
});

describe('retrying many', () => {
  test('ended tasks get a new one each; a repeat with the same key gets the same', async () => {
    const [done, waits] = [await ended({ command: 'false' }), await submitted(LATER)];
    const retry = () =>
      rest.post('/tasks/retry', { ids: [done, waits] }, { headers: { 'idempotency-key': 'retry-them' } });
    const first = await retry();
    expect(first.body.items).toMatchObject([
      { task: done, outcome: 'done', state: 'failed', newTask: expect.any(String) },
      { task: waits, outcome: 'refused', newTask: null, error: { code: 'task_not_ended' } },
    ]);
    const [{ newTask }] = first.body.items;
    expect((await rest.get(`/tasks/${newTask}`)).body.task).toMatchObject({ retryOf: done, command: 'false' });
    expect((await retry()).body).toEqual(first.body);
    expect((await rest.post('/tasks/retry', { ids: [done] })).body.items[0].newTask).not.toBe(newTask);
  });
});

describe('jobs', () => {
  test('a job shows how far its tasks are, and what has not ended can be cancelled', async () => {
    const tasks = [
      { image: 'busybox', name: 'now' },
      { image: 'busybox', ...LATER },
      { image: 'busybox', ...LATER },
    ];
    const job = await rest.post('/jobs', { name: 'sweep', tasks });
    const { jobId, taskIds } = job.body;
    const get = async () => (await rest.get(`/jobs/${jobId}`)).body;
    expect(await get()).toMatchObject({ id: jobId, name: 'sweep', owner: 'admin', size: 3, state: 'waiting' });
    await bench.run(taskIds[0]);
    expect(await get()).toMatchObject({ state: 'running', tasks: { running: 1, pending: 2 } });
    await bench.end(taskIds[0], 0);
    const cancelled = await rest.post(`/jobs/${jobId}/cancel`);
    expect(cancelled.body).toMatchObject({ done: 2, unchanged: 0, refused: 0 });
    expect(await get()).toMatchObject({ state: 'cancelled', tasks: { completed: 1, cancelled: 2 } });
    expect((await rest.get('/jobs?name=sweep')).body.items).toMatchObject([{ id: jobId }]);
    expect((await rest.get('/jobs?owner=nobody')).body.items).toEqual([]);
  });

  test('a foreign job is answered as one that does not exist', async () => {
    const job = await rest.post('/jobs', { tasks: [{ image: 'busybox', ...LATER }] }, { user: 'bob' });
    const ask = (method: 'GET' | 'POST', id: string, suffix = '') =>
      rest.send(method, `/api/v1/jobs/${id}${suffix}`, { user: 'ann' });
    for (const [method, suffix] of [
      ['GET', ''],
      ['POST', '/cancel'],
    ] as const) {
      const [foreign, unknown] = [await ask(method, job.body.jobId, suffix), await ask(method, 'none', suffix)];
      expect([foreign.status, unknown.status]).toEqual([404, 404]);
      expect(foreign.body.error.message.replace(job.body.jobId, 'none')).toBe(unknown.body.error.message);
    }
    expect((await rest.get('/jobs', { user: 'ann' })).body.items).toEqual([]);
    expect((await rest.get('/jobs', { user: 'bob' })).body.items).toHaveLength(1);
  });
});
