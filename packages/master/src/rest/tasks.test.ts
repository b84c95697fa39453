// Submitting and what follows, through the server: jobs, dependencies, repeats, prefixes, retries, the queue.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

let bench: Bench;
let rest: RestClient;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
});
afterAll(async () => {
  expect(rest.failures).toEqual([]);
  await rest.server.close();
  await bench.close();
});

const LATER = '2030-01-01T00:00:00Z';

describe('jobs', () => {
  test('are all or nothing, and a refusal names the task and the field', async () => {
    const before = (await rest.get('/cluster')).body.tasks;
    const answer = await rest.post('/jobs', {
      tasks: [{ image: 'a' }, { image: 'a', resources: { memory: 'much' } }],
    });
    expect(answer.status).toBe(400);
    expect(answer.body.error.details).toEqual({ field: 'tasks[1].resources.memory' });
    expect((await rest.post('/jobs', { tasks: [{ image: 'a' }, {}] })).body.error).toMatchObject({
      message: 'tasks[1].image: is required',
      details: { field: 'tasks[1].image' },
    });
    expect((await rest.get('/cluster')).body.tasks).toEqual(before);
  });

  test('are answered with the ids in the order of the call', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `n${index}`);
    const { status, body } = await rest.post('/jobs', {
      name: 'fifty',
      tasks: names.map((name) => ({ name, image: 'a', startAfter: LATER })),
    });
    expect(status).toBe(201);
    const { items } = (await rest.get(`/tasks?job=${body.jobId}&limit=1000&order=oldest`)).body;
    expect(items.map((task: { name: string }) => task.name)).toEqual(names);
    expect(items.map((task: { id: string }) => task.id)).toEqual(body.taskIds);
  });

  test('wait for one another by name', async () => {
    const { body } = await rest.post('/jobs', {
      tasks: [
        { name: 'build', image: 'a' },
        { name: 'test', image: 'a', dependsOn: ['build'] },
        { image: 'a', dependsOn: ['test', 'build', 'build'] },
      ],
    });
    const [build, check, deploy] = body.taskIds;
    expect((await rest.get(`/tasks/${check}`)).body).toMatchObject({
      task: { state: 'pending' },
      spec: { dependsOn: [build] },
    });
    expect((await rest.get(`/tasks/${deploy}`)).body.spec.dependsOn).toEqual([check, build]);
  });

  test('with a circle, an unknown or an ambiguous name are refused', async () => {
    const job = (...tasks: object[]) => rest.post('/jobs', { tasks: tasks.map((task) => ({ image: 'a', ...task })) });
    const circle = await job({ name: 'x', dependsOn: ['y'] }, { name: 'y', dependsOn: ['x'] });
    expect(circle.body.error.code).toBe('dependency_cycle');
    expect((await job({ name: 'x', dependsOn: ['x'] })).body.error.code).toBe('dependency_cycle');
    const unknown = await job({}, { dependsOn: ['nosuchtask'] });
    expect(unknown.body.error).toMatchObject({
      code: 'dependency_unknown',
      details: { field: 'tasks[1].dependsOn', taskIndex: 1 },
    });
    expect((await job({ name: 'x' }, { name: 'x' }, { dependsOn: ['x'] })).body.error.message).toContain(
      'the name of 2 tasks',
    );
  });
});

describe('repeats', () => {
  const submit = (key: string, body: object, path = '/tasks') =>
    rest.post(path, body, { headers: { 'idempotency-key': key } });

  test('with the same key get the first answer, also at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => submit('once', { image: 'a', startAfter: LATER })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const jobs = await Promise.all(
      [1, 2].map(() => submit('job-once', { tasks: [{ image: 'a' }, { image: 'b' }] }, '/jobs')),
    );
    expect(jobs[0]!.body).toEqual(jobs[1]!.body);
  });

  test('with the same key and something else are a conflict', async () => {
    await submit('mine', { image: 'a' });
    for (const [body, path] of [
      [{ image: 'b' }, '/tasks'],
      [{ image: 'a', name: 'x' }, '/tasks'],
      [{ tasks: [{ image: 'a' }] }, '/jobs'],
    ] as const)
      expect((await submit('mine', body, path)).status).toBe(422);
  });

  test('are kept apart by namespace, and keys have a shape', async () => {
    await bench.addUser('ann', 'user', ['red']);
    const [mine, other] = [
      await submit('shared', { image: 'a' }),
      await rest.post('/tasks', { image: 'a' }, { user: 'ann', headers: { 'idempotency-key': 'shared' } }),
    ];
    expect(other.status).toBe(201);
    expect(other.body.id).not.toBe(mine.body.id);
    for (const key of ['', ' ', 'a b', 'x'.repeat(256), 'é'])
      expect((await submit(key, { image: 'a' })).status).toBe(400);
  });
});

describe('ids', () => {
  test('are found by any unique prefix, ended and forgotten tasks too', async () => {
    const { body } = await rest.post('/tasks', { image: 'a', startAfter: LATER });
    await rest.post(`/tasks/${body.id}/cancel`);
    await bench.advance(700_000);
    expect(bench.engine.task(body.id)).toBeNull();
    for (const length of [16, 15, 10])
      expect((await rest.get(`/tasks/${body.id.slice(0, length)}`)).body.task.id).toBe(body.id);
    expect((await rest.get(`/tasks/${body.id}/explain`)).body).toMatchObject({ state: 'cancelled', workers: [] });
    expect((await rest.post(`/tasks/${body.id}/cancel`)).body.state).toBe('cancelled');
    expect((await rest.send('PATCH', `/api/v1/tasks/${body.id}`, { body: { priority: 1 } })).body.error.code).toMatch(
      /task_(unknown|ended)/,
    );
  });

  test('that fit several tasks are answered with the candidates', async () => {
    const { body } = await rest.post('/jobs', {
      tasks: Array.from({ length: 33 }, () => ({ image: 'a', startAfter: LATER })),
    });
    const counts = new Map<string, number>();
    for (const id of body.taskIds as string[]) counts.set(id[0]!, (counts.get(id[0]!) ?? 0) + 1);
    const [letter] = [...counts].find(([, count]) => count > 1)!;
    const answer = await rest.get(`/tasks/${letter}`);
    expect(answer.status).toBe(409);
    expect(answer.body.error).toMatchObject({ code: 'ambiguous_id', details: { candidates: expect.any(Array) } });
    expect(answer.body.error.details.candidates.length).toBeGreaterThan(1);
    expect(answer.body.error.details.candidates.every((id: string) => id.startsWith(letter))).toBe(true);
  });
});

describe('after the end', () => {
  test('a task is retried as a new one with the same spec', async () => {
    const { body: first } = await rest.post('/tasks', {
      image: 'a',
      name: 'again',
      command: ['x', 'y'],
      startAfter: LATER,
    });
    expect((await rest.post(`/tasks/${first.id}/retry`)).body.error.code).toBe('task_not_ended');
    await rest.post(`/tasks/${first.id}/cancel`);
    const { status, body: second } = await rest.post(`/tasks/${first.id}/retry`);
    expect(status).toBe(201);
    expect(second).toMatchObject({ retryOf: first.id, name: 'again', image: 'a' });
    const specs = await Promise.all(
      [first.id, second.id].map(async (id) => (await rest.get(`/tasks/${id}`)).body.spec),
    );
    expect(specs[1]).toEqual(specs[0]);
  });

  test('its parents are remembered when the engine has forgotten them', async () => {
    const { body: parent } = await rest.post('/tasks', { image: 'a', startAfter: LATER });
    await rest.post(`/tasks/${parent.id}/cancel`);
    await bench.advance(700_000);
    const child = await rest.post('/tasks', { image: 'a', dependsOn: [parent.id] });
    expect(child.body.error.code).toBe('dependency_failed');
  });
});

test('a waiting task is moved ahead, and the queue shows it', async () => {
  const ids: string[] = [];
  for (const name of ['q1', 'q2', 'q3'])
    ids.push((await rest.post('/tasks', { image: 'a', name, priority: 90 })).body.id);
  await bench.advance(5);
  const order = async () => {
    const { body } = await rest.get('/queue?limit=1000');
    return body.items.map(({ task }: { task: { id: string } }) => task.id).filter((id: string) => ids.includes(id));
  };
  expect(await order()).toEqual(ids);
  const patched = await rest.send('PATCH', `/api/v1/tasks/${ids[2]}`, { body: { priority: 95 } });
  expect(patched.body.priority).toBe(95);
  expect(await order()).toEqual([ids[2], ids[0], ids[1]]);
  const { body } = await rest.get('/queue?limit=1');
  expect(body.items).toMatchObject([{ position: 1, task: { id: ids[2] }, message: expect.any(String) }]);
  expect(body.total).toBeGreaterThan(3);
  // Another user sees the own task only, at its place among all.
  await bench.addUser('lee', 'user', ['lee']);
  const own = await rest.post('/tasks', { image: 'a', priority: 92 }, { user: 'lee' });
  await bench.advance(5);
  expect((await rest.get('/queue', { user: 'lee' })).body.items).toMatchObject([
    { position: 2, task: { id: own.body.id } },
  ]);
  const explained = (await rest.get(`/tasks/${ids[2]}/explain`)).body;
  expect(explained).toMatchObject({ state: 'queued', position: 1, summary: expect.stringContaining('worker') });
});

test('the timeline of a task, in pages', async () => {
  const { body } = await rest.post('/tasks', { image: 'a', startAfter: LATER });
  await rest.post(`/tasks/${body.id}/cancel`, { message: 'no longer needed' });
  const events = (await rest.get(`/tasks/${body.id}/events`)).body;
  expect(events.items.map(({ kind }: { kind: string }) => kind)).toEqual(['task_submitted', 'task_cancelled']);
  expect(events.items[1]).toMatchObject({ by: 'admin' });
  const first = (await rest.get(`/tasks/${body.id}/events?limit=1`)).body;
  const second = (await rest.get(`/tasks/${body.id}/events?limit=1&after=${first.next}`)).body;
  expect([...first.items, ...second.items]).toEqual(events.items);
});
