// Workers, tenancy, scheduler and the cluster's figures, through the server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bench, START } from '../testing/bench.ts';
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

describe('workers', () => {
  test('registration: token, command, labels, address, and once only', async () => {
    const { body } = await rest.post('/workers', {
      id: 'w-1',
      address: '[::1]:2376',
      labels: { zone: 'a' },
      tokenTtl: '1h',
    });
    expect(body).toMatchObject({
      worker: {
        id: 'w-1',
        state: 'registered',
        address: '[::1]:2376',
        labels: { zone: 'a' },
        total: null,
        available: null,
      },
      joinToken: expect.stringMatching(/^CAIJ1\.[0-9a-f]{64}\.w-1\./),
      expiresAt: new Date(START + 3_600_000).toISOString(),
      command: `cloudai worker --master 127.0.0.1:50051 --join ${body.joinToken}`,
    });
    expect((await rest.post('/workers', { id: 'w-1' })).body.error.code).toBe('worker_exists');
    const renewed = await rest.post('/workers', { id: 'w-1', renew: true });
    expect(renewed.status).toBe(201);
    expect(renewed.body.joinToken).not.toBe(body.joinToken);
    expect(renewed.body.worker.address).toBe('[::1]:2376');
  });

  test.each([
    [{ id: '' }, 'id'],
    [{ id: 'a b' }, 'id'],
    [{ id: '../x' }, 'id'],
    [{ id: '-x' }, 'id'],
    [{ id: 'x', address: 'a b' }, 'address'],
    [{ id: 'x', address: 'host:0' }, 'address'],
    [{ id: 'x', address: 'host:70000' }, 'address'],
    [{ id: 'x', address: 'http://host' }, 'address'],
    [{ id: 'x', tokenTtl: '2d' }, 'tokenTtl'],
    [{ id: 'x', labels: { 'a=b': 'c' } }, 'labels.a=b'],
  ])('%j is refused', async (body, field) => {
    expect((await rest.post('/workers', body)).body.error).toMatchObject({
      code: 'invalid_argument',
      details: { field },
    });
  });

  test('capacity, allocation and usage are shown together', async () => {
    await bench.addWorker('w-2', { cpu: 4, memory: 8 });
    const { body: task } = await rest.post('/tasks', { image: 'a', resources: { cpu: 2, memory: '4Gi' } });
    await bench.run(task.id);
    bench.usage.set('w-2', {
      at: START,
      cpu: 0.5,
      memoryBytes: 1,
      storageBytes: 2,
      gpu: 0,
      networkRxBytes: 3,
      networkTxBytes: 4,
      attempts: [],
    });
    expect((await rest.get('/workers/w-2')).body).toMatchObject({
      state: 'active',
      connected: true,
      total: { cpuMillis: 4000 },
      allocated: { cpuMillis: 2000, memoryBytes: 4 * 2 ** 30 },
      available: { cpuMillis: 2000, memoryBytes: 4 * 2 ** 30 },
      usage: { cpu: 0.5 },
      runningTasks: [{ taskId: task.id, attempt: 1, state: 'running' }],
    });
    const cluster = (await rest.get('/cluster')).body;
    expect(cluster).toMatchObject({
      total: { cpuMillis: 4000 },
      allocated: { cpuMillis: 2000 },
      available: { cpuMillis: 2000 },
    });
    expect(cluster.tasks.running).toBe(1);
    await bench.end(task.id);
    expect((await rest.get('/workers/w-2')).body.allocated.cpuMillis).toBe(0);
  });

  test('labels are set and removed, a drain begins and ends', async () => {
    const labels = await rest.send('PATCH', '/api/v1/workers/w-2/labels', { body: { disk: 'ssd', zone: 'b' } });
    expect(labels.body.labels).toMatchObject({ disk: 'ssd', zone: 'b' });
    const removed = await rest.send('PATCH', '/api/v1/workers/w-2/labels', { body: { disk: null } });
    expect(removed.body.labels).not.toHaveProperty('disk');
    const drained = await rest.post('/workers/w-2/drain', { deadline: '10m', reason: 'new disk' });
    expect(drained.body.drain).toMatchObject({
      reason: 'new disk',
      deadlineAt: new Date(bench.now + 600_000).toISOString(),
    });
    expect((await rest.post('/workers/w-2/drain', { off: true })).body.drain).toBeNull();
    expect((await rest.post('/workers/w-2/drain')).body.drain).toMatchObject({ deadlineAt: null });
    await rest.post('/workers/w-2/drain', { off: true });
  });

  test('a busy worker is unregistered by force only; then it is listed on demand', async () => {
    const { body: task } = await rest.post('/tasks', { image: 'a', worker: 'w-2' });
    await bench.run(task.id);
    expect((await rest.send('DELETE', '/api/v1/workers/w-2')).body.error.code).toBe('worker_busy');
    const gone = await rest.send('DELETE', '/api/v1/workers/w-2?force=true');
    expect([gone.status, gone.text]).toEqual([204, '']);
    expect((await rest.get('/workers')).body.items.map(({ id }: { id: string }) => id)).not.toContain('w-2');
    expect((await rest.get('/workers?state=revoked')).body.items).toMatchObject([{ id: 'w-2', state: 'revoked' }]);
    expect((await rest.send('DELETE', '/api/v1/workers/nobody')).body.error.code).toBe('worker_unknown');
  });
});

describe('tenancy', () => {
  test('namespaces and quotas', async () => {
    expect((await rest.send('PUT', '/api/v1/namespaces/team', { body: {} })).body).toMatchObject({
      name: 'team',
      quota: null,
    });
    const bounded = await rest.send('PUT', '/api/v1/namespaces/team', { body: { quota: { cpu: 4, memory: '8Gi' } } });
    expect(bounded.body.quota).toEqual({
      cpuMillis: 4000,
      memoryBytes: 8 * 2 ** 30,
      storageBytes: null,
      gpuMillis: null,
      custom: {},
    });
    expect((await rest.send('PUT', '/api/v1/namespaces/team', { body: {} })).body.quota.cpuMillis).toBe(4000);
    expect((await rest.send('PUT', '/api/v1/namespaces/team', { body: { quota: null } })).body.quota).toBeNull();
    expect((await rest.send('PUT', '/api/v1/namespaces/a%20b', { body: {} })).status).toBe(400);
    expect((await rest.get('/namespaces')).body.items.map(({ name }: { name: string }) => name)).toEqual([
      'default',
      'team',
    ]);
  });

  test('users, their tokens, and what each answer does not tell', async () => {
    const put = await rest.send('PUT', '/api/v1/users/dora', { body: { namespaces: ['team'] } });
    expect(put.body).toMatchObject({ name: 'dora', role: 'user', namespaces: ['team'], disabled: false });
    const issued = (await rest.post('/users/dora/tokens', { ttl: '1h' })).body;
    expect(issued.token).toMatch(/^cai_/);
    const listed = await rest.get('/users/dora/tokens');
    expect(listed.body.items).toMatchObject([{ id: issued.id, user: 'dora', revoked: false }]);
    for (const path of ['/users', '/users/dora/tokens', '/events', '/cluster']) {
      const { text } = await rest.get(path);
      expect(text).not.toContain(issued.token);
      expect(text).not.toContain(bench.context.identity.hashApiToken(issued.token));
    }
    expect((await rest.get('/tasks', { user: issued.token })).status).toBe(200);
    const changed = await rest.send('PUT', '/api/v1/users/dora', { body: { disabled: true } });
    expect(changed.body).toMatchObject({ namespaces: ['team'], disabled: true });
    expect((await rest.get('/tasks', { user: issued.token })).status).toBe(401);
    expect((await rest.post('/users/nobody/tokens')).body.error.code).toBe('user_unknown');
    expect((await rest.send('DELETE', '/api/v1/tokens/unknown')).body.error.code).toBe('token_unknown');
    expect((await rest.post('/users/dora/tokens', { ttl: '2000d' })).body.error.details).toEqual({ field: 'ttl' });
  });
});

test('the placement policy is chosen among those that are listed', async () => {
  const { body } = await rest.get('/scheduler');
  expect(body.available.length).toBeGreaterThan(1);
  for (const { name } of body.available)
    expect((await rest.send('PUT', '/api/v1/scheduler', { body: { placement: name } })).body.placement).toBe(name);
  expect((await rest.send('PUT', '/api/v1/scheduler', { body: { placement: 'psychic' } })).body.error.code).toBe(
    'scheduler_unknown',
  );
});

test('orders, backfilling, limits and scopes are chosen one by one', async () => {
  const put = (body: object) => rest.send('PUT', '/api/v1/scheduler', { body });
  expect((await put({ ordering: 'saf', backfill: 'easy' })).body).toMatchObject({ ordering: 'saf', backfill: 'easy' });
  const { body } = await put({ starvation: '2h', ageing: '90s', preemption: true });
  expect(body).toMatchObject({ ordering: 'saf', starvationMs: 7_200_000, ageingSeconds: 90, preemption: true });
  expect(body.orderings.map(({ name }: { name: string }) => name)).toContain('fair-share');
  expect((await put({ ordering: null, placement: 'ai-aggressive' })).body.ordering).toBe('largest-first');
  await put({ placement: 'fgd', scope: { kind: 'pool', name: 'gpu' } });
  await put({ placement: 'best-fit', scope: { kind: 'namespace', name: 'default' } });
  expect((await rest.get('/scheduler')).body.scopes).toEqual([
    { kind: 'namespace', name: 'default', placement: 'best-fit' },
    { kind: 'pool', name: 'gpu', placement: 'fgd' },
  ]);
  for (const wrong of [
    {},
    { backfill: 'much' },
    { starvation: 'soon' },
    { ordering: 'saf', scope: { kind: 'pool', name: 'gpu' } },
    { risk: { theta: [1, 2, 3, 11], alpha: 1, beta: 1, affinity: {}, penalty: {} } },
  ])
    expect((await put(wrong)).body.error.code).toBe('invalid_argument');
  expect((await put({ placement: 'fgd', scope: { kind: 'namespace', name: 'nowhere' } })).body.error.code).toBe(
    'namespace_unknown',
  );
  const plain = { ordering: null, backfill: 'greedy', starvation: '24h', ageing: null, preemption: false };
  expect((await put({ ...plain, placement: 'greedy' })).status).toBe(200);
  for (const { kind, name } of (await rest.get('/scheduler')).body.scopes)
    expect((await put({ placement: null, scope: { kind, name } })).status).toBe(200);
  expect((await rest.get('/scheduler')).body.scopes).toEqual([]);
});

test('events after a sequence, filtered', async () => {
  const all = (await rest.get('/events?limit=1000')).body.items;
  expect(all.map(({ sequence }: { sequence: number }) => sequence)).toEqual(
    all.map((_: unknown, index: number) => index + 1),
  );
  const some = (await rest.get(`/events?after=${all[4].sequence}&limit=3`)).body;
  expect(some.items).toEqual(all.slice(5, 8));
  expect(some.next).toBe(String(all[7].sequence));
  const kinds = (await rest.get('/events?kind=worker_added,worker_removed&limit=1000')).body.items;
  expect(new Set(kinds.map(({ kind }: { kind: string }) => kind))).toEqual(new Set(['worker_added', 'worker_removed']));
  expect(
    (await rest.get('/events?worker=w-2')).body.items.every(({ worker }: { worker: string }) => worker === 'w-2'),
  ).toBe(true);
});
