// What Prometheus sees of a running master: real sessions, real REST, real commits.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, TestMaster } from '../testing/test-master.ts';
import { MOST_WORKER_SERIES } from './metrics.ts';

const TOKEN = 'scrape-me-please';
let master: TestMaster;
let admin: string;

beforeAll(async () => {
  master = await TestMaster.start({ metrics: { token: TOKEN, openOnLoopback: false } });
  const { id, token, hash } = master.handle.context.identity.makeApiToken();
  await master.submit({ kind: 'putToken', id, user: 'admin', hash, expiresAt: null, by: 'admin' });
  admin = token;
});
afterAll(() => master.close());

function get(path: string, token: string | null, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${master.handle.restUrl}${path}`, {
    headers: { ...headers, ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
  });
}

async function scrape(): Promise<Map<string, number>> {
  const text = await (await get('/metrics', TOKEN)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

describe('who may read them', () => {
  test('an admin, and the token that is made for it; nobody else', async () => {
    expect((await get('/metrics', admin)).status).toBe(200);
    expect((await get('/metrics', TOKEN)).status).toBe(200);
    expect((await get('/metrics', null)).status).toBe(401);
    expect((await get('/metrics', `${TOKEN}x`)).status).toBe(401);
    expect((await get('/api/v1/version', TOKEN)).status, 'it opens nothing else').toBe(401);
    await master.submit({ kind: 'putUser', name: 'ann', role: 'user', namespaces: [], disabled: false, by: 'admin' });
    const { id, token, hash } = master.handle.context.identity.makeApiToken();
    await master.submit({ kind: 'putToken', id, user: 'ann', hash, expiresAt: null, by: 'admin' });
    expect((await get('/metrics', token)).status).toBe(403);
  });

  test('whoever guesses is told to wait; the right token never is', async () => {
    const slow = await TestMaster.start({
      metrics: { token: TOKEN, openOnLoopback: false },
      rest: { port: 0, failedLogins: 3 },
    });
    const ask = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${slow.handle.restUrl}/metrics`, { headers })).status;
    };
    expect([await ask('a'), await ask('b'), await ask('c'), await ask('d')]).toEqual([401, 401, 401, 429]);
    expect(await ask(TOKEN)).toBe(200);
    await slow.close();
  });

  test('where the operator says so, callers on this machine, but no proxy on it', async () => {
    const open = await TestMaster.start({ metrics: { token: null, openOnLoopback: true } });
    const ask = (headers: Record<string, string>) => fetch(`${open.handle.restUrl}/metrics`, { headers });
    const first = await ask({});
    expect(first.status).toBe(200);
    const text = await first.text();
    for (const line of ['cloudai_tasks{state="queued"} 0', 'cloudai_workers{state="active"} 0'])
      expect(text.split('\n'), 'the first scrape is whole').toContain(line);
    expect((await ask({ 'x-forwarded-for': '10.0.0.1' })).status).toBe(401);
    await open.close();
  });
});

test('a task leaves its traces in numbers, once', async () => {
  const before = await scrape();
  const worker = await master.join('w-1');
  const session = await worker.connect();
  session.heartbeat({ usage: { cpu: 0.5, memoryBytes: 1_000n } as never });
  const id = await master.submitTask();
  const { key } = await session.next('assign');
  session.report(key!, { case: 'starting', value: { progress: '' } });
  session.report(key!, { case: 'running', value: { startedAt: 1_000n, containerId: 'c', imageDigest: '' } });
  session.report(key!, {
    case: 'ended',
    value: { reason: 'exit_zero', exitCode: 0, startedAt: 1_000n, endedAt: 3_500n } as never,
  });
  let after = before;
  await eventually('the end is stored', async () => {
    after = await scrape();
    return after.has('cloudai_tasks_ended_total{state="completed",reason="exit_zero"}');
  });
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  expect(grown('cloudai_tasks_submitted_total')).toBe(1);
  expect(grown('cloudai_tasks_started_total')).toBe(1);
  expect(grown('cloudai_tasks_ended_total{state="completed",reason="exit_zero"}')).toBe(1);
  expect(grown('cloudai_attempts_ended_total{state="succeeded",reason="exit_zero"}')).toBe(1);
  expect(grown('cloudai_task_run_seconds_sum')).toBe(2.5);
  expect(grown('cloudai_task_queue_wait_seconds_count')).toBe(1);
  expect(grown('cloudai_commit_seconds_count')).toBeGreaterThan(3);
  expect(grown('cloudai_decision_seconds_count')).toBeGreaterThan(0);
  const placements = [...after].filter(([name]) => name.startsWith('cloudai_placements_total{'));
  expect(placements.reduce((sum, [, value]) => sum + value, 0)).toBe(1);
  expect(after.get('cloudai_worker_connections')).toBe(1);
  let now = after;
  await eventually('its heartbeat is seen', async () => {
    session.heartbeat({ usage: { cpu: 0.5, memoryBytes: 1_000n } as never });
    now = await scrape();
    return now.get('cloudai_worker_cpu_usage_ratio{worker="w-1"}') === 0.5;
  });
  expect(now.get('cloudai_worker_heartbeats_total')).toBeGreaterThan(0);
  expect(now.get('cloudai_worker_up{worker="w-1"}')).toBe(1);
  expect(now.get('cloudai_workers{state="active"}')).toBe(1);
  expect(now.get('cloudai_used_memory_bytes')).toBe(1_000);
  expect([...now.keys()].join('\n'), 'no task in any label').not.toContain(id);
  worker.disconnect();
}, 30_000);

test('requests are counted by operation and class, also those that were refused', async () => {
  await get('/api/v1/tasks/aaaaaaaaaaaaaaaa', admin);
  await get('/api/v1/tasks', admin);
  const now = await scrape();
  expect(now.get('cloudai_http_requests_total{operation="getTask",class="4xx"}')).toBe(1);
  expect(now.get('cloudai_http_requests_total{operation="listTasks",class="2xx"}')).toBe(1);
  expect(now.get('cloudai_http_request_duration_seconds_count{operation="listTasks"}')).toBe(1);
});

test('names and units are as Prometheus wants them, and every label is bounded', async () => {
  const { registry } = await import('./metrics.ts').then(({ MasterMetrics }) => new MasterMetrics());
  for (const { name, type } of registry.getMetricsAsArray() as unknown as { name: string; type: string }[]) {
    if (!name.startsWith('cloudai_')) continue;
    if (type === 'counter') expect(name).toMatch(/_total$/);
    else expect(name).not.toMatch(/_total$/);
    expect(name).not.toMatch(/_(ms|millis|mb|gb|percent)(_|$)/);
  }
  expect(MOST_WORKER_SERIES).toBeLessThanOrEqual(1_000);
});
