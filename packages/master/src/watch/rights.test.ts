// Who may watch what: the same as who may list it, for as long as that holds.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { WATCH_CLOSE, WATCH_PATH, WATCH_PROTOCOL, WATCH_TOPICS } from '@cloudai/api/watch';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Authority } from '../identity/authority.ts';
import { startRest } from '../rest/index.ts';
import { WatchCase } from '../testing/watch-case.ts';
import { refusalOf, Watcher } from '../testing/watcher.ts';

// On a machine that is busy with other tests everything takes its time.
vi.setConfig({ testTimeout: 30_000 });

let at: WatchCase;
let port: string;

beforeAll(async () => {
  at = await WatchCase.open();
  port = new URL(at.url).port;
  await at.bench.addUser('ann', 'user', ['default']);
  await at.bench.addUser('bob', 'user', ['lab']);
  await at.bench.addWorker('w-1', { cpu: 64, memory: 256 });
});
afterEach(() => at.closeWatchers());
afterAll(() => at.close());

async function sessionCookie(user: string): Promise<string> {
  const { headers, status } = await at.rest.post('/session', { token: at.token(user) }, { user: null });
  expect(status).toBeLessThan(300);
  return [headers['set-cookie']]
    .flat()
    .map((line) => String(line).split(';')[0])
    .join('; ');
}

describe('a foreign namespace', () => {
  test('does not show on any topic', async () => {
    const watcher = await at.watch('bob');
    const texts: string[] = [];
    watcher.socket.on('message', (data) => texts.push(String(data)));
    for (const topic of WATCH_TOPICS.filter((name) => name !== 'logs'))
      await watcher.subscribe(topic, ['events', 'tasks', 'workers'].includes(topic) ? { after: 0 } : {});
    await watcher.subscribe('events', { namespace: 'default', after: 0 }, 'asked');
    await watcher.subscribe('tasks', { namespace: 'default', after: 0 }, 'asked-tasks');
    await watcher.subscribe('queue', { namespace: 'default' }, 'asked-queue');

    const secret = await at.submit('ann', { name: 'secret', labels: { plan: 'secret' } });
    await at.bench.run(secret);
    at.bench.measure('w-1', {
      ...{ at: at.bench.now, cpu: 0.5, memoryBytes: 1, storageBytes: 1, gpu: 0, networkRxBytes: 0, networkTxBytes: 0 },
      attempts: [
        {
          ...{ taskId: secret, attempt: 1, cpuMicros: 1, cpuMillis: 1, memoryBytes: 1, memoryPeakBytes: 1 },
          ...{ storageBytes: 1, networkRxBytes: 0, networkTxBytes: 0, paused: false },
        },
      ],
    });
    const waiting = await at.submit('ann', { name: 'secret', resources: { cpu: 1000, memory: '1Gi' } });
    await at.bench.end(secret);
    for (const task of [secret, waiting]) {
      for (const topic of ['events', 'logs', 'telemetry']) {
        watcher.send({ kind: 'subscribe', id: `${topic}-${task}`, topic, task });
        const { error } = await watcher.next('error');
        expect(error.code).toBe('task_unknown');
      }
      // An id that there is not is answered in the same words.
      watcher.send({ kind: 'subscribe', id: 'none', topic: 'events', task: 'aaaaaaaaaaaaaaaa' });
      const { error } = await watcher.next('error');
      expect(error.message.replace('aaaaaaaaaaaaaaaa', task)).toContain(`No task has the id ${task}`);
    }
    // What is one's own still comes, so everything before it has come.
    await watcher.subscribe('tasks', { after: 0, ids: [secret, waiting] }, 'by-id');
    const own = await at.submit('bob');
    await watcher.next('task', ({ task }) => task.id === own);
    const hasCounted = (text: string) =>
      text.startsWith('{"kind":"cluster"') && JSON.parse(text).cluster.tasks.queued === 1;
    const hasQueue = (text: string) => text.startsWith('{"kind":"queue"') && text.includes(own);
    // Samples have a pace of their own.
    const hasUse = (text: string) => text.startsWith('{"kind":"telemetry"');
    while (![hasCounted, hasQueue, hasUse].every((has) => texts.some(has))) await watcher.arrival();
    // The refusals name what was asked for.
    const all = texts.filter((text) => !text.startsWith('{"kind":"error"')).join('\n');
    for (const kind of ['event', 'task', 'worker', 'queue', 'cluster', 'telemetry'])
      expect(all).toContain(`{"kind":"${kind}"`);
    expect(all).toContain(own);
    for (const task of [secret, waiting, 'secret']) expect(all).not.toContain(task);
    await at.rest.post(`/tasks/${waiting}/cancel`);
  });
});

describe('rights that go', () => {
  test('a revoked token ends the connection', async () => {
    const { body } = await at.rest.post('/users/ann/tokens', {});
    const watcher = await Watcher.open(at.url, body.token);
    await watcher.subscribe('events');
    await at.rest.send('DELETE', `/api/v1/tokens/${body.id}`);
    expect(await watcher.closed).toMatchObject({ code: WATCH_CLOSE.unauthenticated });
    await expect(refusalOf(`${at.url}${WATCH_PATH}`, auth(body.token))).resolves.toMatchObject({ status: 401 });
  });

  test('a token that expires ends it, too, and so does a user who is disabled', async () => {
    const { body } = await at.rest.post('/users/ann/tokens', { ttl: '1m' });
    const expiring = await Watcher.open(at.url, body.token);
    await at.bench.addUser('cleo', 'user', ['default']);
    const disabled = await at.watch('cleo');
    await at.bench.advance(60_000);
    expect(await expiring.closed).toMatchObject({ code: WATCH_CLOSE.unauthenticated });
    await at.rest.send('PUT', '/api/v1/users/cleo', { body: { disabled: true } });
    expect(await disabled.closed).toMatchObject({ code: WATCH_CLOSE.unauthenticated });
  });

  test('other namespaces or another role make it begin anew, with what may be seen then', async () => {
    await at.bench.addUser('dan', 'user', ['default', 'lab']);
    const watcher = await at.watch('dan');
    const { sequence } = await watcher.subscribe('events');
    await at.rest.send('PUT', '/api/v1/users/dan', { body: { namespaces: ['lab'] } });
    expect(await watcher.closed).toMatchObject({ code: WATCH_CLOSE.rightsChanged });
    await at.submit('ann');
    const own = await at.submit('bob');
    const again = await at.watch('dan');
    await again.subscribe('events', { after: sequence });
    expect((await again.next('event')).event).toMatchObject({ namespace: 'lab', taskId: own });
    // Others are not disturbed by it.
    const ann = await at.watch('ann');
    await ann.subscribe('events');
    await at.rest.send('PUT', '/api/v1/users/dan', { body: { namespaces: ['lab', 'default'] } });
    expect(await again.closed).toMatchObject({ code: WATCH_CLOSE.rightsChanged });
    await at.submit('ann');
    await ann.next('event');
  });
});

const auth = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe('the way in', () => {
  const refused = (options: Parameters<typeof refusalOf>[1]) => refusalOf(`${at.url}${WATCH_PATH}`, options);

  test('needs a token that is good', async () => {
    expect((await refused({})).status).toBe(401);
    const { status, body } = await refused(auth('cai_nonsense'));
    expect([status, JSON.parse(body).error.code]).toEqual([401, 'unauthenticated']);
  });

  test('a page offers its token as a subprotocol, which is not answered', async () => {
    const { WebSocket } = await import('ws');
    const socket = new WebSocket(`ws://127.0.0.1:${port}${WATCH_PATH}`, [WATCH_PROTOCOL, `bearer.${at.token('ann')}`]);
    await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject));
    expect(socket.protocol).toBe(WATCH_PROTOCOL);
    socket.terminate();
    expect((await refused({ protocols: [WATCH_PROTOCOL, 'bearer.nonsense'] })).status).toBe(401);
  });

  test('the session of a browser is taken from pages of this master only', async () => {
    const cookie = await sessionCookie('ann');
    const origin = `http://127.0.0.1:${port}`;
    const watcher = await Watcher.open(at.url, null, { headers: { cookie, origin } });
    await watcher.subscribe('tasks');
    watcher.close();
    for (const foreign of ['https://evil.example', `http://127.0.0.1:${Number(port) + 1}`, 'null', 'nonsense', ''])
      expect((await refused({ headers: { cookie, origin: foreign } })).status, foreign).toBe(403);
    expect((await refused({ headers: { cookie } })).status).toBe(403);
  });

  test('logging out ends what the session watches', async () => {
    const cookie = await sessionCookie('ann');
    const origin = `http://127.0.0.1:${port}`;
    const watcher = await Watcher.open(at.url, null, { headers: { cookie, origin } });
    await at.rest.send('DELETE', '/api/v1/session', { user: null, headers: { cookie, 'x-cloudai-csrf': '1' } });
    expect(await watcher.closed).toMatchObject({ code: WATCH_CLOSE.unauthenticated });
  });

  test('only under a name of this master', async () => {
    const answer = await refused({ headers: { ...auth(at.token('ann')).headers, host: 'evil.example' } });
    expect(answer.status).toBe(421);
  });

  test('over TLS', async () => {
    const directory = path.join(at.bench.directory, 'ca');
    await mkdir(directory);
    await Authority.create(directory, 'bench', Date.now());
    const ca = await Authority.load(directory, 'bench');
    const tls = await ca.issueServer([], Date.now());
    const rest = await startRest(at.bench.context, { host: '127.0.0.1', port: 0, tls });
    const watcher = await Watcher.open(rest.url, at.token('ann'), { ca: ca.rootPem });
    await watcher.subscribe('events');
    await at.submit('ann');
    await watcher.next('event');
    const closing = rest.close();
    expect((await watcher.closed).code).toBe(WATCH_CLOSE.restarting);
    await closing;
  });

  test('is an upgrade', async () => {
    expect((await at.rest.get('/watch')).body.error.message).toContain('WebSocket');
    expect((await at.rest.post('/watch', {})).status).toBe(404);
  });
});
