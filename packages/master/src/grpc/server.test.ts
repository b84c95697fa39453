import { connect as connectTcp } from 'node:net';
import { userWire } from '@cloudai/api';
import { type Client, Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Protocol, tokenFor, transportTo, userClient } from '../testing/grpc-client.ts';
import { ScriptedWorker } from '../testing/scripted-worker.ts';
import { TestMaster } from '../testing/test-master.ts';

// The machine may be busy with other things.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

type User = Client<typeof userWire.CloudAI>;

let master: TestMaster;
let worker: ScriptedWorker;
let admin: User;
let ann: User;
let annToken: { readonly id: string; readonly token: string };
const clients = new Map<Protocol, User>();

beforeAll(async () => {
  master = await TestMaster.start({ grpc: { port: 0 } });
  const { token } = await tokenFor(master, 'admin', 'admin');
  annToken = await tokenFor(master, 'ann', 'user', ['red']);
  for (const protocol of ['grpc', 'grpc-web', 'connect'] as const)
    clients.set(protocol, userClient(transportTo(master, token, protocol)));
  admin = clients.get('grpc')!;
  ann = userClient(transportTo(master, annToken.token));
  worker = new ScriptedWorker(await master.join('w1'), {
    // The image says what the task does.
    play: ({ spec }) => ({
      runMs: spec!.image === 'slow' ? 60_000 : 20,
      exitCode: spec!.image === 'bad' ? 3 : 0,
      stdout: Buffer.from(spec!.image === 'long' ? `${'x'.repeat(199)}\n`.repeat(2_000) : 'hello\nworld\n'),
    }),
  });
  worker.start();
});
afterAll(async () => {
  await worker?.stop();
  await master?.close();
});

/** What a failed call says. */
async function failure(call: Promise<unknown> | AsyncIterable<unknown>) {
  try {
    if (call instanceof Promise) await call;
    else for await (const _ of call);
  } catch (error) {
    const failed = ConnectError.from(error);
    const [info] = failed.findDetails(userWire.ErrorInfoSchema);
    return { code: failed.code, message: failed.rawMessage, info };
  }
  throw new Error('the call did not fail');
}

async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const message of messages) list.push(message);
  return list;
}

async function submitted(image: string, client = admin): Promise<string> {
  const { task } = await client.submitTask({ task: { image } });
  return task!.id;
}

describe.each(['grpc', 'grpc-web', 'connect'] as const)('over %s', (protocol) => {
  test('a task is submitted, read, followed to its end and listed', async () => {
    const client = clients.get(protocol)!;
    const { task } = await client.submitTask({
      task: {
        image: 'busybox',
        command: 'echo hello',
        name: 'first',
        labels: { via: protocol },
        resources: { cpu: '500m', memory: '64Mi' },
        priority: 0,
        env: { A: 'b' },
        retry: { limit: 0, backoff: '2s' },
      },
    });
    expect(task).toMatchObject({ owner: 'admin', name: 'first', priority: 0, resources: { cpuMillis: 500n } });
    const chunks = await all(client.streamTaskLogs({ taskId: task!.id, userId: 'admin', follow: true }));
    expect(Buffer.concat(chunks.map(({ content }) => content)).toString()).toBe('hello\nworld\n');
    expect(chunks[0]).toMatchObject({ taskId: task!.id, isComplete: false, status: 'running', stream: 'stdout' });
    const last = chunks.at(-1)!;
    expect(last).toMatchObject({ isComplete: true, status: 'completed', exitCode: 0, taskId: task!.id });
    expect(last.content).toHaveLength(0);
    expect(new Date(last.timestamp).toISOString()).toBe(last.timestamp);
    const detail = await client.getTask({ taskId: task!.id.slice(0, 12) });
    expect(detail.task).toMatchObject({ state: 'completed', worker: 'w1', exitCode: 0 });
    expect(detail.spec).toMatchObject({ env: { A: 'b' }, command: { kind: 'shell', line: 'echo hello' } });
    expect(detail.attempts).toMatchObject([{ number: 1, worker: 'w1', reason: 'exit_zero' }]);
    const { items, next } = await client.listTasks({ states: ['completed', 'failed'], labels: { via: protocol } });
    expect(items.map(({ id }) => id)).toEqual([task!.id]);
    expect(next).toBeUndefined();
  });

  test('an unknown task is one chunk that says so', async () => {
    const chunks = await all(clients.get(protocol)!.streamTaskLogs({ taskId: 'aaaaaaaaaaaaaaaa', follow: true }));
    expect(chunks).toMatchObject([{ taskId: 'aaaaaaaaaaaaaaaa', status: 'not_found', isComplete: true }]);
  });

  test('a refusal has a gRPC code and the code of the catalogue', async () => {
    const { code, message, info } = await failure(clients.get(protocol)!.getTask({ taskId: 'aaaaaaaaaaaaaaaa' }));
    expect(code).toBe(Code.NotFound);
    expect(message).toContain('aaaaaaaaaaaaaaaa');
    expect(info).toMatchObject({ code: 'task_unknown', details: { task: 'aaaaaaaaaaaaaaaa' } });
    expect(info!.requestId).not.toBe('');
  });
});

describe('what is asked', () => {
  test('is refused in the words of the REST API', async () => {
    expect(await failure(admin.submitTask({}))).toMatchObject({
      code: Code.InvalidArgument,
      message: 'image: is required',
    });
    const many = admin.submitTask({ task: { image: 'a', resources: { cpu: 'much' } } });
    expect(await failure(many)).toMatchObject({
      info: { code: 'invalid_argument', details: { field: 'resources.cpu' } },
    });
    expect(await failure(admin.submitTask({ task: { image: 'a', command: 'x', args: ['y'] } }))).toMatchObject({
      code: Code.InvalidArgument,
      message: expect.stringContaining('args'),
    });
    expect(await failure(admin.updateTask({ taskId: 'aaaaaaaaaaaaaaaa' }))).toMatchObject({
      message: 'priority: is required',
    });
  });

  test('a repeat with the same key gets the first answer, another body under the key is refused', async () => {
    const request = { task: { image: 'busybox', args: ['true'] }, idempotencyKey: 'once' };
    const [first, second] = [await admin.submitTask(request), await admin.submitTask(request)];
    expect(second.task!.id).toBe(first.task!.id);
    const other = admin.submitTask({ ...request, task: { image: 'other' } });
    expect(await failure(other)).toMatchObject({
      code: Code.FailedPrecondition,
      info: { code: 'idempotency_conflict' },
    });
  });

  test('a job is all or nothing', async () => {
    const { jobId, taskIds } = await admin.submitJob({
      name: 'pair',
      tasks: [
        { image: 'busybox', name: 'a' },
        { image: 'busybox', dependsOn: ['a'] },
      ],
    });
    expect(taskIds).toHaveLength(2);
    expect((await admin.listTasks({ jobId })).items).toHaveLength(2);
    const { info } = await failure(admin.submitJob({ tasks: [{ image: 'a' }, {}] }));
    expect(info).toMatchObject({ details: { field: 'tasks[1].image' } });
  });

  test('a message that is too large and one with unknown JSON fields are refused', async () => {
    const large = admin.submitTask({ task: { image: 'a', env: { A: 'x'.repeat(2 ** 20) } } });
    expect(await failure(large)).toMatchObject({ code: Code.ResourceExhausted });
    const response = await fetch(`${master.handle.grpcUrl}/cloudai.user.v1.CloudAI/GetVersion`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${annToken.token}` },
      body: '{"nonsense":1}',
    });
    expect(response.status).toBe(400);
  });
});

describe('what differs from JSON on purpose', () => {
  test('constraints of a task, one by one', async () => {
    const { task } = await admin.submitTask({
      task: {
        image: 'busybox',
        resources: { cpu: '1000' },
        expected: '10m',
        preemptible: false,
        near: [{ labels: { app: 'db' }, by: 'zone' }],
        spread: [{ labels: { app: 'web' }, maxSkew: 2 }],
        deadline: { seconds: 4_102_444_800n, nanos: 0 },
      },
    });
    const { spec } = await admin.getTask({ taskId: task!.id });
    await admin.cancelTask({ taskId: task!.id });
    expect(spec).toMatchObject({ deadlineAt: 4_102_444_800_000 });
    for (const part of ['zone', '"app":"db"', '"app":"web"', '"maxSkew":2', '"preemptible":false'])
      expect(JSON.stringify(spec)).toContain(part);
  });

  test('what goes back to its default is named', async () => {
    const { scheduler } = await admin.useScheduler({ placement: 'greedy', ageing: '1m' });
    expect(scheduler).toMatchObject({ placement: 'greedy', ageingSeconds: 60n });
    const both = admin.useScheduler({ ageing: '1m', reset: ['ageing'] });
    expect(await failure(both)).toMatchObject({ code: Code.InvalidArgument });
    expect(await failure(admin.useScheduler({ reset: ['everything'] }))).toMatchObject({ code: Code.InvalidArgument });
    const { scheduler: after } = await admin.useScheduler({ reset: ['ageing'] });
    expect([after!.placement, after!.ageingSeconds === 60n]).toEqual(['greedy', false]);
  });

  test('many tasks by a filter in words of its own', async () => {
    const ids = [await submitted('slow'), await submitted('slow')];
    const filter = { image: 'slow', states: ['pending', 'queued', 'assigned', 'running'] };
    const dry = await admin.cancelTasks({ filter, dryRun: true });
    expect(dry.items.map(({ task }) => task).sort()).toEqual([...ids].sort());
    const { done, items } = await admin.cancelTasks({ filter, message: 'enough' });
    expect([done, items.length]).toEqual([2, 2]);
    const { items: refused } = await admin.retryTasks({ ids: ['aaaaaaaaaaaaaaaa'] });
    expect(refused).toMatchObject([{ outcome: 'refused', error: { code: 'task_unknown' } }]);
  });

  test('columns have no number where nothing was measured', async () => {
    const { series, at, stepMs } = await admin.getClusterTelemetry({ from: '-10m', step: '1m' });
    expect(stepMs).toBeGreaterThan(0n);
    const [column] = Object.values(series);
    expect(column!.values).toHaveLength(at.length);
    const now = await admin.getTelemetry({});
    expect(now.workers).toContain('w1');
    expect(now.series.memoryBytes!.values).toHaveLength(now.workers.length);
  });
});

describe('who asks', () => {
  test('needs a token, and one that is good', async () => {
    const nobody = userClient(transportTo(master, null));
    expect(await failure(nobody.listTasks({}))).toMatchObject({
      code: Code.Unauthenticated,
      info: { code: 'unauthenticated' },
    });
    const guess = userClient(transportTo(master, 'cai_guess_guess', 'connect'));
    expect(await failure(guess.streamTaskLogs({ taskId: 'a' }))).toMatchObject({ code: Code.Unauthenticated });
  });

  test('sees the own namespaces; what is in others looks unknown', async () => {
    const id = await submitted('slow');
    expect(await failure(ann.getTask({ taskId: id }))).toMatchObject({ code: Code.NotFound });
    expect(await all(ann.streamTaskLogs({ taskId: id, userId: 'ann' }))).toMatchObject([{ status: 'not_found' }]);
    expect((await ann.listTasks({})).items).toEqual([]);
    await admin.cancelTask({ taskId: id });
  });

  test('may not do what the role forbids, nor speak for somebody else', async () => {
    expect(await failure(ann.registerWorker({ id: 'w9' }))).toMatchObject({
      code: Code.PermissionDenied,
      info: { code: 'forbidden' },
    });
    const stream = ann.streamTaskLogs({ taskId: 'a', userId: 'admin' });
    expect(await failure(stream)).toMatchObject({ code: Code.PermissionDenied });
  });

  test('loses a stream with the token', async () => {
    const { id, token } = await tokenFor(master, 'ann', 'user', ['red']);
    const watching = failure(userClient(transportTo(master, token)).watchEvents({}));
    await admin.revokeToken({ tokenId: id });
    expect((await watching).code).toBeOneOf([Code.Unavailable, Code.Unauthenticated]);
  }, 15_000);
});

describe('streams', () => {
  test('a long log comes in chunks of at most 64 KiB, every byte once', async () => {
    const id = await submitted('long');
    const chunks = await all(admin.streamTaskLogs({ taskId: id, follow: true }));
    expect(Buffer.concat(chunks.map(({ content }) => content))).toEqual(await master.logOf(id));
    expect(Math.max(...chunks.map(({ content }) => content.length))).toBeLessThanOrEqual(64 * 1024);
    let end = 0n;
    for (const { content, offset } of chunks.slice(0, -1)) {
      expect(offset).toBe(end);
      end += BigInt(content.length);
    }
    const tail = await all(admin.streamTaskLogs({ taskId: id, tail: 1 }));
    expect(Buffer.concat(tail.map(({ content }) => content))).toHaveLength(200);
  });

  test('a task that fails ends its log with its reason', async () => {
    const chunks = await all(admin.streamTaskLogs({ taskId: await submitted('bad'), follow: true }));
    expect(chunks.at(-1)).toMatchObject({ isComplete: true, status: 'failed', reason: 'exit_nonzero', exitCode: 3 });
  });

  test('events come in order, without gap and repeat, over breaks', async () => {
    const seen: bigint[] = [];
    let after = 0n;
    // Each watch is left after a few messages.
    for (let round = 0; round < 5; round++) {
      await submitted('busybox');
      let messages = 0;
      for await (const { events, sequence } of admin.watchEvents({ after })) {
        seen.push(...events.map((event) => event.sequence));
        after = sequence;
        if (events.length > 0 && ++messages === 2) break;
      }
    }
    const newest = BigInt(master.engine.cluster().eventSequence);
    for await (const { events, sequence } of admin.watchEvents({ after })) {
      seen.push(...events.map((event) => event.sequence));
      if (sequence >= newest) break;
    }
    expect(seen).toEqual(seen.map((_, index) => BigInt(index + 1)));
    expect(seen.length).toBeGreaterThanOrEqual(Number(newest));
  });

  test('a watch tells where it begins, and only what was asked for', async () => {
    const kinds: string[] = [];
    let id = '';
    for await (const { events, sequence } of admin.watchEvents({ kinds: ['task_completed'] })) {
      expect(sequence).toBeGreaterThan(0n);
      if (id === '') id = await submitted('busybox');
      kinds.push(...events.filter((event) => event.taskId === id).map(({ kind }) => kind));
      if (kinds.length > 0) break;
    }
    expect(kinds).toEqual(['task_completed']);
  });

  test('a deadline ends a call that would go on', async () => {
    const id = await submitted('slow');
    const options = { timeoutMs: 300 };
    expect(await failure(admin.streamTaskLogs({ taskId: id, follow: true }, options))).toMatchObject({
      code: Code.DeadlineExceeded,
    });
    expect(await failure(admin.watchEvents({ kinds: ['worker_lost'] }, options))).toMatchObject({
      code: Code.DeadlineExceeded,
    });
    await admin.cancelTask({ taskId: id });
  });
});

describe('the rest of the operations', () => {
  test('workers', async () => {
    const { items } = await admin.listWorkers({ states: ['active'] });
    expect(items).toMatchObject([{ id: 'w1', state: 'active', connected: true }]);
    const { joinToken, command } = await admin.registerWorker({ id: 'w2', labels: { zone: 'a' } });
    expect(command).toContain(joinToken);
    expect(await failure(admin.registerWorker({ id: 'w2' }))).toMatchObject({ code: Code.AlreadyExists });
    const { worker: labelled } = await admin.labelWorker({ workerId: 'w2', set: { disk: 'ssd' }, remove: ['zone'] });
    expect(labelled!.labels).toEqual({ disk: 'ssd' });
    expect((await admin.drainWorker({ workerId: 'w2', deadline: '10m', reason: 'test' })).worker!.drain).toMatchObject({
      reason: 'test',
    });
    expect((await admin.drainWorker({ workerId: 'w2', off: true })).worker!.drain).toBeUndefined();
    await admin.unregisterWorker({ workerId: 'w2' });
    expect(await failure(admin.getWorker({ workerId: 'w2' }))).toMatchObject({ info: { code: 'worker_unknown' } });
  });

  test('namespaces, users and tokens', async () => {
    const quota = { cpu: '4', memory: '8Gi' };
    expect((await admin.putNamespace({ namespace: 'lab', quota })).namespace!.quota).toMatchObject({
      cpuMillis: 4000n,
    });
    expect((await admin.putNamespace({ namespace: 'lab' })).namespace!.quota).toMatchObject({ cpuMillis: 4000n });
    expect((await admin.putNamespace({ namespace: 'lab', noQuota: true })).namespace!.quota).toBeUndefined();
    await admin.putUser({ user: 'bob', role: 'user', namespaces: { names: ['lab'] } });
    expect((await admin.putUser({ user: 'bob', disabled: true })).user).toMatchObject({
      namespaces: ['lab'],
      disabled: true,
    });
    expect((await admin.putUser({ user: 'bob', namespaces: {}, disabled: false })).user).toMatchObject({
      namespaces: [],
    });
    const issued = await admin.issueToken({ user: 'bob', ttl: '1h' });
    expect(issued.token).toMatch(/^cai_/);
    await admin.revokeToken({ tokenId: issued.id });
    expect((await admin.listTokens({ user: 'bob' })).items).toMatchObject([{ id: issued.id, revoked: true }]);
    expect((await admin.listUsers({})).items.map(({ name }) => name)).toContain('bob');
    expect((await admin.listNamespaces({})).items.map(({ name }) => name)).toContain('lab');
  });

  test('cluster, queue, scheduler, explanations, events, priorities, retries', async () => {
    expect((await admin.getVersion({})).version).toBe('0.0.0-test');
    expect((await admin.getCluster({})).cluster).toMatchObject({ workers: { active: 1n }, store: { full: false } });
    const { task } = await admin.submitTask({ task: { image: 'busybox', resources: { cpu: '1000' } } });
    const { explanation } = await admin.explainTask({ taskId: task!.id });
    expect(explanation).toMatchObject({ state: 'queued', couldEverFit: false, workers: [{ workerId: 'w1' }] });
    expect((await admin.updateTask({ taskId: task!.id, priority: 7 })).task!.priority).toBe(7);
    expect((await admin.getQueue({})).items).toMatchObject([{ position: 1, task: { id: task!.id } }]);
    await admin.cancelTask({ taskId: task!.id, message: 'enough' });
    const { items } = await admin.listTaskEvents({ taskId: task!.id });
    expect(items.map(({ kind }) => kind)).toContain('task_cancelled');
    expect((await admin.listEvents({ limit: 2 })).items.map(({ sequence }) => sequence)).toEqual([1n, 2n]);
    const again = await admin.retryTask({ taskId: task!.id });
    expect(again.task!.retryOf).toBe(task!.id);
    await admin.cancelTask({ taskId: again.task!.id });
    expect((await admin.useScheduler({ placement: 'greedy' })).scheduler!.placement).toBe('greedy');
    expect((await admin.getScheduler({})).scheduler!.available.map(({ name }) => name)).toContain('external');
  });
});

describe('strangers', () => {
  test('a Host header of another name, or of none, is not answered; nor is what is no HTTP', async () => {
    const response = await fetch(`${master.handle.grpcUrl}/nothing`);
    expect(response.status).toBe(404);
    for (const host of ['evil.example', 'bad host', '%%%'])
      expect(await raw(`POST /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 4/);
    expect(await raw('PRI is not all of it\r\n\r\n')).not.toMatch(/200/);
    expect(await raw('\0\0\0\0')).toMatch(/^HTTP\/1\.1 400/);
    expect((await admin.getVersion({})).api).toBe('v1');
  });
});

function raw(text: string): Promise<string> {
  const { port } = new URL(master.handle.grpcUrl!);
  return new Promise((resolve) => {
    const socket = connectTcp(Number(port), '127.0.0.1', () => socket.write(text));
    let seen = '';
    socket.on('data', (bytes) => {
      seen += bytes.toString('latin1');
      if (seen.startsWith('HTTP/1.1')) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(seen));
  });
}
