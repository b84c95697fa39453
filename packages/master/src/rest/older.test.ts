// Routes of earlier versions, one case per row of their table; and that they give nobody more than today's.
import { OLDER_ROUTES, type OlderName, type OlderRoute } from '@cloudai/api/rest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient, type Sent } from '../testing/rest-client.ts';

let bench: Bench;
let rest: RestClient;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  await bench.addUser('ann', 'user', ['red']);
  await bench.addUser('bob', 'user', ['blue']);
  await bench.addWorker('w-1');
  bench.usage.set('w-1', {
    at: bench.now,
    cpu: 0.25,
    memoryBytes: 4 * 2 ** 30,
    storageBytes: 0,
    gpu: 0.5,
    networkRxBytes: 0,
    networkTxBytes: 0,
    attempts: [],
  });
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
});

const get = (url: string, sent?: Sent) => rest.send('GET', url, sent);

async function submitted(user = 'admin'): Promise<string> {
  const body = { docker_image: 'busybox:1', command: 'echo hi', cpu_required: '0.5', memory_required: 0.25 };
  const answer = await rest.send('POST', '/api/tasks', { body, user });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.task_id;
}

async function ended(): Promise<string> {
  const id = await submitted();
  await bench.run(id);
  await bench.log(id, 'hi\n');
  await bench.endLog(id);
  bench.files.set(`${id}/1/a b.txt`, Buffer.from('abc'));
  await bench.end(id, 0, { artifacts: [{ path: 'a b.txt', sizeBytes: 3, digest: `sha256:${'0'.repeat(64)}` }] });
  return id;
}

describe('POST /api/tasks', () => {
  test('takes the old fields, numbers as text too, and answers 201', async () => {
    const { status, body, headers } = await rest.send('POST', '/api/tasks', {
      body: {
        docker_image: 'busybox:1',
        command: 'echo hi',
        cpu_required: '1.5',
        memory_required: 2,
        storage_required: '3',
        gpu_required: 0,
        user_id: 'somebody',
        tag: 'cpu-heavy',
        k_value: 1.8,
      },
    });
    expect(status).toBe(201);
    expect(body).toEqual({ task_id: expect.any(String), status: 'queued', message: expect.any(String) });
    expect(headers.deprecation).toMatch(/^@\d+$/);
    const { task, spec } = (await get(`/api/v1/tasks/${body.task_id}`)).body;
    expect(task).toMatchObject({ owner: 'admin', labels: { tag: 'cpu-heavy', k_value: '1.8' } });
    expect(spec.request).toMatchObject({ cpuMillis: 1500, memoryBytes: 2 * 2 ** 30, storageBytes: 3 * 2 ** 30 });
    const later = (await get(`/api/tasks/${body.task_id}`)).body;
    expect(later).toMatchObject({
      cpu_required: 1.5,
      memory_required: 2,
      tag: 'cpu-heavy',
      k_value: 1.8,
      result: null,
    });
  });

  test.each([
    [{}, 'docker_image'],
    [{ docker_image: 'busybox', memory_required: 1 }, 'cpu_required'],
    [{ docker_image: 'busybox', cpu_required: 0, memory_required: 1 }, 'cpu_required'],
    [{ docker_image: 'busybox', cpu_required: 1, memory_required: -1 }, 'memory_required'],
    [{ docker_image: 'busybox', cpu_required: 'much', memory_required: 1 }, 'cpu_required'],
    [{ docker_image: 'busybox', cpu_required: 1, memory_required: 1, colour: 'red' }, 'colour'],
  ])('%j is refused for %s', async (body, field) => {
    const answer = await rest.send('POST', '/api/tasks', { body });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatchObject({ code: 'invalid_argument', details: { field } });
  });
});

test('GET /api/tasks and /api/tasks/{id} list tasks, by status too, and show assignment and result', async () => {
  const id = await ended();
  const list = await get('/api/tasks?status=completed');
  expect(list.body).toMatchObject({
    count: 1,
    tasks: [{ task_id: id, status: 'completed', docker_image: 'busybox:1' }],
  });
  expect((await get('/api/tasks?status=strange')).status).toBe(400);
  const { body } = await get(`/api/tasks/${id}`);
  expect(body.assignment).toEqual({ worker_id: 'w-1', assigned_at: expect.any(String) });
  expect(body.result).toMatchObject({
    status: 'completed',
    completed_at: expect.any(String),
    logs: 'hi\n',
    exit_code: 0,
  });
  expect((await get('/api/tasks/aaaaaaaaaaaaaaaa')).status).toBe(404);
});

test('DELETE /api/tasks/{id} cancels, GET /api/tasks/{id}/logs has the log', async () => {
  const id = await submitted();
  const answer = await rest.send('DELETE', `/api/tasks/${id}`);
  expect(answer.body).toMatchObject({ task_id: id, status: 'cancelled' });
  const done = await ended();
  expect((await get(`/api/tasks/${done}/logs`)).body).toMatchObject({
    task_id: done,
    status: 'completed',
    logs: 'hi\n',
    completed_at: expect.any(String),
  });
});

test('/api/workers: list, one, metrics, tasks, and registration', async () => {
  const list = await get('/api/workers');
  expect(list.body).toMatchObject({ count: 1, workers: [{ worker_id: 'w-1', total_cpu: 8, total_memory: 16 }] });
  expect((await get('/api/workers/w-1')).body).toMatchObject({ worker_id: 'w-1', is_active: true, cpu_usage: 25 });
  expect((await get('/api/workers/w-1/metrics')).body).toMatchObject({ memory_usage: 25, gpu_usage: 50 });
  const id = await submitted();
  await bench.run(id);
  const tasks = await get('/api/workers/w-1/tasks');
  expect(tasks.body.count).toBe(tasks.body.tasks.length);
  expect(tasks.body.tasks).toContainEqual(expect.objectContaining({ task_id: id, status: 'running' }));
  await bench.end(id);
  const registered = await rest.send('POST', '/api/workers', {
    body: { worker_id: 'w-2', worker_ip: '10.0.0.2:50052' },
  });
  expect(registered.status).toBe(201);
  expect(registered.body).toMatchObject({ worker_id: 'w-2', join_token: expect.stringMatching(/^CAIJ1/) });
  const missing = await get('/api/workers/w-9');
  expect([missing.status, missing.body.error.message]).toEqual([404, 'Worker w-9 not found']);
});

test('/health has the counts for who shows a token, and lives for who does not', async () => {
  const known = await get('/health');
  expect(known.body).toEqual({
    status: 'ok',
    time: expect.any(String),
    active_clients: 0,
    workers: 2,
    active_workers: 1,
  });
  for (const user of [null, 'nonsense'])
    expect(Object.keys((await get('/health', { user })).body)).toEqual(['status', 'time']);
});

test('/telemetry has every worker by id, or one', async () => {
  const all = await get('/telemetry');
  expect(all.body['w-1']).toEqual({
    worker_id: 'w-1',
    cpu_usage: 25,
    memory_usage: 25,
    gpu_usage: 50,
    running_tasks: expect.any(Array),
    last_update: expect.any(Number),
    is_active: true,
  });
  expect((await get('/telemetry/w-1')).body).toEqual(all.body['w-1']);
  const missing = await get('/telemetry/w-9');
  expect([missing.status, missing.body.error.message]).toEqual([404, 'Worker w-9 not found']);
  expect((await get('/workers')).body).toMatchObject([{ worker_id: 'w-1', is_active: true }, { worker_id: 'w-2' }]);
});

test('/workers is the page for a browser and the list for a program', async () => {
  const html = { accept: 'text/html,*/*' };
  expect(String((await get('/workers', { user: null, headers: html })).headers['content-type'])).toContain('text/html');
  expect((await get('/workers', { headers: html })).body).toBeInstanceOf(Array);
  expect((await get('/workers', { user: null })).status).toBe(401);
});

test('/api/files lists what tasks left, and a file can be downloaded, in parts too', async () => {
  const id = await ended();
  const list = await get('/api/files');
  expect(list.body.tasks.find((one: { task_id: string }) => one.task_id === id).files).toMatchObject([
    { path: 'a b.txt', size: 3 },
  ]);
  const { body } = await get(`/api/files/${id}?user_id=whoever&requesting_user=whoever`);
  const [file] = body.files;
  expect((await get(file.url)).text).toBe('abc');
  const part = await get(file.url, { headers: { range: 'bytes=1-1' } });
  expect([part.status, part.text]).toEqual([206, 'b']);
  expect((await get(`/api/files/${id}/download/../../etc/passwd`)).status).toBeGreaterThanOrEqual(400);
  expect((await get(`/api/files/${id}/download/..%2f..%2fetc%2fpasswd`)).status).toBe(404);
});

test('/api/auth logs in with a token as the password, says who, and logs out', async () => {
  const login = await rest.send('POST', '/api/auth/login', {
    user: null,
    body: { email: 'ann', password: bench.tokens.get('ann') },
  });
  expect([login.status, login.body.user]).toEqual([200, { name: 'ann', email: 'ann', role: 'user' }]);
  const cookie = (login.headers['set-cookie'] as string[])[0]!.split(';')[0]!;
  const by = { user: null, headers: { cookie, 'x-cloudai-csrf': '1' } };
  expect((await get('/api/auth/me', by)).body.user.name).toBe('ann');
  expect((await rest.send('POST', '/api/auth/logout', by)).status).toBe(200);
  expect((await get('/api/auth/me', by)).status).toBe(401);
  const wrong = await rest.send('POST', '/api/auth/login', { user: null, body: { email: 'ann', password: 'x' } });
  expect(wrong.status).toBe(401);
  expect((await rest.send('POST', '/api/auth/login', { user: null, body: {} })).status).toBe(400);
});

test('/status and /ready', async () => {
  expect((await get('/status')).body).toMatchObject({
    status: 'ok',
    instances: { completed: expect.any(Number) },
    scheduler: { placement: expect.any(String), queue_depth: 0 },
    uptime_seconds: expect.any(Number),
  });
  expect((await get('/status', { user: null })).status).toBe(401);
  expect((await get('/ready', { user: null })).body).toEqual({ status: 'ready' });
});

describe.each(Object.entries(OLDER_ROUTES) as [OlderName, OlderRoute][])('%s', (name, { method, path, open }) => {
  const urlOf = (task: string) =>
    path.replace('{task}', task).replace('{worker}', 'w-1').replace('{path}', 'a%20b.txt');
  const body = method === 'POST' ? { body: { docker_image: 'busybox' } } : {};

  test('wants a token', async () => {
    if (open) return;
    for (const user of [null, 'nonsense']) {
      const answer = await rest.send(method, urlOf('aaaaaaaaaaaaaaaa'), { user, ...body });
      expect([name, answer.status, answer.body.error.code]).toEqual([name, 401, 'unauthenticated']);
    }
  });

  if (path.includes('{task}'))
    test('answers a foreign task as one that does not exist', async () => {
      const foreign = await submitted('bob');
      const [other, unknown] = [
        await rest.send(method, urlOf(foreign), { user: 'ann' }),
        await rest.send(method, urlOf('aaaaaaaaaaaaaaaa'), { user: 'ann' }),
      ];
      expect([other.status, unknown.status]).toEqual([404, 404]);
      expect(other.body.error.message.replace(foreign, 'aaaaaaaaaaaaaaaa')).toBe(unknown.body.error.message);
    });
});

test('a user sees own tasks only, and registers nobody', async () => {
  await submitted('bob');
  expect((await get('/api/tasks', { user: 'ann' })).body.tasks).toEqual([]);
  expect((await get('/api/files', { user: 'ann' })).body.tasks).toEqual([]);
  const registering = await rest.send('POST', '/api/workers', { body: { worker_id: 'w-3' }, user: 'ann' });
  expect(registering.status).toBe(403);
});
