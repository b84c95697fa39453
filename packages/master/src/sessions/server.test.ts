import { createHash } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Authority } from '../identity/authority.ts';
import { FakeWorker, makeRequest, openClient, splitEndpoint, toPem } from '../testing/fake-worker.ts';
import { eventually, TestMaster } from '../testing/test-master.ts';
import { CODE_HEADER } from './refusal.ts';

// Whole masters start here, and the machine may be busy with other things.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let master: TestMaster;
const workers: FakeWorker[] = [];

beforeAll(async () => {
  master = await TestMaster.start();
});
afterAll(async () => {
  for (const worker of workers) worker.disconnect();
  await master.close();
});

const ENDED = { reason: 'exit_zero', exitCode: 0, endedAt: 1_800_000_000_000n };

let count = 0;
async function join(id = `w${++count}`): Promise<FakeWorker> {
  const worker = await master.join(id);
  workers.push(worker);
  return worker;
}

/** The task runs on this worker; resolves with its key. */
async function runningOn(worker: FakeWorker, session: Awaited<ReturnType<FakeWorker['connect']>>) {
  const taskId = await master.submitTask({ targetWorker: worker.id });
  await session.next('assign', (assign) => assign.key?.taskId === taskId);
  const key = { taskId, attempt: 1 };
  session.report(key, { case: 'running', value: { startedAt: 1n, containerId: 'c1', imageDigest: '' } });
  await session.next('reportAck');
  return key;
}

async function failure(call: Promise<unknown>): Promise<ConnectError> {
  return await call.then(
    () => Promise.reject(new Error('it was not refused')),
    (error: unknown) => ConnectError.from(error),
  );
}

describe('the way of a task', () => {
  test('assigned, started, logged, ended, and forgotten only when its log is durable', async () => {
    const worker = await join();
    const session = await worker.connect();
    const taskId = await master.submitTask({ targetWorker: worker.id });
    expect((await session.next('assign')).key).toMatchObject({ taskId, attempt: 1 });
    const key = { taskId, attempt: 1 };

    const starting = session.report(key, { case: 'starting', value: { progress: 'pulling' } });
    expect(await session.next('reportAck')).toMatchObject({ sequence: starting, forget: false });
    session.report(key, { case: 'running', value: { startedAt: 1n, containerId: 'c1', imageDigest: '' } });
    await session.next('reportAck');
    expect(master.task(taskId)?.state).toBe('running');

    session.log(key, 'stdout', 0, 'hello\n');
    const ended = session.report(key, { case: 'ended', value: { ...ENDED, stdoutBytes: 12n, stderrBytes: 0n } });
    await eventually('the end is accepted', () => master.task(taskId)?.state === 'completed');
    // Six of twelve bytes are here: the worker is asked for the rest, and may not forget yet.
    expect(await session.next('logResume')).toMatchObject({ stdoutOffset: 6n, stderrOffset: 0n });
    expect(session.received.some((message) => message.case === 'reportAck' && message.value.forget)).toBe(false);
    session.log(key, 'stdout', 6, 'world\n', { last: true });
    session.log(key, 'stderr', 0, '', { last: true });
    expect(await session.next('reportAck')).toMatchObject({ sequence: ended, forget: true });
    expect((await master.logOf(taskId)).toString()).toBe('hello\nworld\n');
    expect(await master.handle.context.logs.state(taskId, 1)).toMatchObject({ complete: true, stdoutBytes: 12 });
  });

  test('an attempt without any output may be forgotten at once', async () => {
    const worker = await join();
    const session = await worker.connect();
    const taskId = await master.submitTask({ targetWorker: worker.id });
    await session.next('assign');
    session.report({ taskId, attempt: 1 }, { case: 'ended', value: { ...ENDED, reason: 'image_error' } });
    expect(await session.next('reportAck')).toMatchObject({ forget: true });
    expect(await master.handle.context.logs.state(taskId, 1)).toMatchObject({ complete: true, stdoutBytes: 0 });
  });

  test('heartbeats are acknowledged and bring measurements', async () => {
    const worker = await join();
    const session = await worker.connect();
    const sequence = session.heartbeat({ usage: { cpu: 0.5, memoryBytes: 7n } as never });
    expect(await session.next('heartbeatAck')).toMatchObject({ sequence });
    expect(master.handle.context.usage.worker(worker.id)).toMatchObject({ cpu: 0.5, memoryBytes: 7 });
  });

  test('a cancel reaches the worker, and the end that it reports is the cancel', async () => {
    const worker = await join();
    const session = await worker.connect();
    const key = await runningOn(worker, session);
    await master.submit({ kind: 'cancelTask', taskId: key.taskId, by: 'admin', message: null });
    expect(await session.next('cancel')).toMatchObject({ key, reason: 'cancelled_by_user', graceMs: 10_000n });
    session.report(key, { case: 'ended', value: { ...ENDED, reason: 'cancelled_by_user', exitCode: 143 } });
    await eventually('it is cancelled', () => master.task(key.taskId)?.state === 'cancelled');
  });

  test('a drain is told when it begins and ends, and to a worker that connects meanwhile', async () => {
    const worker = await join();
    const first = await worker.connect();
    const drain = { deadlineAt: null, reason: 'kernel' };
    await master.submit({ kind: 'drainWorker', workerId: worker.id, drain, by: 'admin' });
    expect(await first.next('drain')).toMatchObject({ on: true });
    first.destroy();
    await eventually('it is gone', () => master.engine.worker(worker.id)?.connected === false);
    const second = await worker.connect();
    expect(await second.next('drain')).toMatchObject({ on: true });
    await master.submit({ kind: 'drainWorker', workerId: worker.id, drain: null, by: 'admin' });
    expect(await second.next('drain')).toMatchObject({ on: false });
  });
});

describe('connecting again', () => {
  test('attempts go on, logs go on at the byte where they stopped, the unknown is abandoned', async () => {
    const worker = await join();
    const first = await worker.connect();
    const key = await runningOn(worker, first);
    first.log(key, 'stdout', 0, 'x'.repeat(1_000));
    first.log(key, 'stderr', 0, 'y'.repeat(10));
    await first.next('logAck', (ack) => ack.offset === 1_000n);
    first.destroy();
    await eventually('it is gone', () => master.engine.worker(worker.id)?.connected === false);

    const stranger = { taskId: 'zzzzzzzzzzzzzzzz', attempt: 1 };
    const found = [key, stranger].map((one) => ({ key: { ...one }, phase: 'running', startedAt: 1n }));
    const second = await worker.connect({ found } as never);
    expect(await second.next('abandon')).toMatchObject({ key: stranger });
    expect(await second.next('logResume')).toMatchObject({ key, stdoutOffset: 1_000n, stderrOffset: 10n });
    expect(master.attempt(key.taskId)?.state).toBe('running');
    expect(second.number).toBe(first.number + 1n);
  });

  test('an assignment that got lost with the connection is made again at the hello', async () => {
    const worker = await join();
    const first = await worker.connect();
    const taskId = await master.submitTask({ targetWorker: worker.id });
    await first.next('assign');
    first.destroy();
    await eventually('it is gone', () => master.engine.worker(worker.id)?.connected === false);
    const session = await worker.connect();
    expect((await session.next('assign')).key).toMatchObject({ taskId, attempt: 1 });
  });

  test('repeated reports are acknowledged and change nothing', async () => {
    const worker = await join();
    const first = await worker.connect();
    const key = await runningOn(worker, first);
    first.report(key, { case: 'ended', value: { ...ENDED, stdoutBytes: 3n } });
    await eventually('the end is accepted', () => master.task(key.taskId)?.state === 'completed');
    const version = master.task(key.taskId)!.version;
    first.destroy();

    const found = [{ key: { ...key }, phase: 'ended', startedAt: 1n }];
    const second = await worker.connect({ found } as never);
    expect(await second.next('logResume')).toMatchObject({ key, stdoutOffset: 0n });
    const again = second.report(key, {
      case: 'ended',
      value: { ...ENDED, reason: 'exit_nonzero', exitCode: 9, stdoutBytes: 3n },
    });
    second.log(key, 'stdout', 0, 'abc');
    expect(await second.next('reportAck')).toMatchObject({ sequence: again, forget: true });
    expect(master.task(key.taskId)).toMatchObject({ version, state: 'completed', exitCode: 0 });
  });

  test('gaps are asked for, repeats are acknowledged', async () => {
    const worker = await join();
    const session = await worker.connect();
    const key = await runningOn(worker, session);
    session.log(key, 'stdout', 5, 'later');
    expect(await session.next('logResume')).toMatchObject({ stdoutOffset: 0n });
    session.log(key, 'stdout', 0, '01234');
    await session.next('logAck', (ack) => ack.offset === 5n);
    session.log(key, 'stdout', 0, '01234');
    await session.next('logAck', (ack) => ack.offset === 5n);
    expect((await master.logOf(key.taskId)).toString()).toBe('01234');
  });

  test('after a restart of the master', async () => {
    const own = await TestMaster.start();
    try {
      const worker = await own.join('w1');
      const first = await worker.connect();
      const taskId = await own.submitTask();
      await first.next('assign');
      const key = { taskId, attempt: 1 };
      first.report(key, { case: 'running', value: { startedAt: 1n, containerId: 'c1', imageDigest: '' } });
      await first.next('reportAck');
      first.log(key, 'stdout', 0, 'before\n');
      await first.next('logAck');
      const restarted = own.restart();
      expect(await first.next('refused')).toMatchObject({ code: 'unavailable', retry: true });
      expect(await first.ended).toBeNull();
      await restarted;
      worker.disconnect();
      const second = await worker.connect({ found: [{ key: { ...key }, phase: 'running', startedAt: 1n }] } as never);
      expect(await second.next('logResume')).toMatchObject({ key, stdoutOffset: 7n });
      expect(own.task(taskId)?.state).toBe('running');
      worker.disconnect();
    } finally {
      await own.close();
    }
  });
});

describe('who may join', () => {
  const register = async (endpoint: string, workerId: string, joinSecret: string, csr?: Uint8Array) => {
    const client = openClient(endpoint, master.handle.context.identity.rootPem, null);
    try {
      return await client.service.registerWorker({
        workerId,
        joinSecret,
        csr: (csr as Uint8Array<ArrayBuffer>) ?? (await makeRequest()).csr,
      });
    } finally {
      client.close();
    }
  };
  const secretOf = (token: string): string => token.split('.').pop()!;

  test('nobody whom no admin has registered; the refusal names the command that would help', async () => {
    const error = await failure(register(master.endpoint, 'nobody', 'A'.repeat(22)));
    expect(error.code).toBe(Code.PermissionDenied);
    expect(error.rawMessage).toContain('Admin must register it first using: register nobody <ip:port>');
    expect(error.metadata.get(CODE_HEADER)).toBe('worker_not_registered');
  });

  test('a token works once; the same request may be repeated, another may not', async () => {
    const token = await master.register('once');
    const { csr } = await makeRequest();
    const first = await register(master.endpoint, 'once', secretOf(token), csr);
    const again = await register(master.endpoint, 'once', secretOf(token), csr);
    expect(toPem(again.certificateChain)).toBe(toPem(first.certificateChain));
    const error = await failure(register(master.endpoint, 'once', secretOf(token)));
    expect(error.metadata.get(CODE_HEADER)).toBe('join_token_invalid');
    expect(error.rawMessage).toContain('wrong, used or expired');
  });

  test('of two that come with one token at the same time, one', async () => {
    const token = await master.register('race');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 6 }, () => register(master.endpoint, 'race', secretOf(token))),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
  });

  test.each([
    ['expired', async () => secretOf(await master.register('late', { ttlMs: -1 })), 'late'],
    ['of another worker', async () => secretOf(await master.register('other')), 'once'],
    ['guessed', async () => 'A'.repeat(22), 'once'],
  ])('not with a token that is %s', async (_what, secret, id) => {
    const error = await failure(register(master.endpoint, id, await secret()));
    expect(error.metadata.get(CODE_HEADER)).toBe('join_token_invalid');
  });

  test('not with half a token or a request that is no request', async () => {
    const token = await master.register('half');
    expect(
      (await failure(register(master.endpoint, 'half', secretOf(token).slice(0, 20)))).metadata.get(CODE_HEADER),
    ).toBe('invalid_argument');
    const error = await failure(register(master.endpoint, 'half', secretOf(token), new Uint8Array([1, 2, 3])));
    expect(error.rawMessage).toContain('not PKCS #10');
    // The token was not used up by it.
    await register(master.endpoint, 'half', secretOf(token));
  });

  test('a token of another cluster finds no root to trust', async () => {
    const token = await master.register('pinned');
    const wrong = token.replace(/\.[0-9a-f]{64}\./, `.${'0'.repeat(64)}.`);
    await expect(FakeWorker.join(master.endpoint, wrong)).rejects.toThrow('does not show the root');
  });
});

describe('who is refused', () => {
  test('without a certificate: every call but joining', async () => {
    const client = openClient(master.endpoint, master.handle.context.identity.rootPem, null);
    try {
      const renewal = await failure(client.service.renewCertificate({ csr: new Uint8Array(3) }));
      expect([renewal.code, renewal.metadata.get(CODE_HEADER)]).toEqual([Code.Unauthenticated, 'unauthenticated']);
      const upload = await failure(client.service.uploadArtifact((async function* () {})()));
      expect(upload.metadata.get(CODE_HEADER)).toBe('unauthenticated');
      const down = [];
      for await (const { message } of client.service.session((async function* () {})())) down.push(message);
      expect(down).toMatchObject([{ case: 'refused', value: { code: 'unauthenticated', retry: false } }]);
      expect(JSON.stringify(down[0]!.value)).toContain('--join TOKEN');
    } finally {
      client.close();
    }
  });

  test('with a certificate of another cluster', async () => {
    const worker = await join();
    const foreign = await Authority.create(`${master.directory}/artifacts`, 'foreigncluster23', Date.now());
    const { key, csr } = await makeRequest();
    const { chain } = await foreign.issueWorker(worker.id, csr, null, Date.now());
    const imposter = new FakeWorker(master.endpoint, { ...worker.identity, key, chain: toPem(chain) });
    workers.push(imposter);
    const refused = await imposter.hello().next('refused');
    expect(refused).toMatchObject({ code: 'unauthenticated', retry: false });
    expect(refused.message).toContain('was not issued by this cluster');
  });

  test('with a certificate that was superseded by joining again; its session ends', async () => {
    const worker = await join();
    const session = await worker.connect();
    const successor = await FakeWorker.join(master.endpoint, await master.register(worker.id, { renew: true }));
    workers.push(successor);
    expect(await session.next('refused')).toMatchObject({ code: 'certificate_superseded', retry: false });
    await successor.connect();
    expect(await worker.hello().next('refused')).toMatchObject({ code: 'certificate_superseded', retry: false });
    const error = await failure(worker.renew());
    expect(error.metadata.get(CODE_HEADER)).toBe('certificate_superseded');
  });

  test('unregistered: its session ends, and it is not let in again', async () => {
    const worker = await join();
    const session = await worker.connect();
    await master.submit({ kind: 'unregisterWorker', workerId: worker.id, by: 'admin', force: false });
    expect(await session.next('refused')).toMatchObject({ code: 'worker_revoked', retry: false });
    expect(await session.ended).toBeNull();
    const refused = await worker.hello().next('refused');
    expect(refused).toMatchObject({ code: 'worker_revoked', retry: false });
    expect(refused.message).toContain('Register it again');
    expect((await failure(worker.renew())).metadata.get(CODE_HEADER)).toBe('worker_revoked');
  });

  test('a clone: the later one wins once, then nobody flaps', async () => {
    const worker = await join();
    const first = await worker.connect();
    const clone = new FakeWorker(master.endpoint, worker.identity);
    workers.push(clone);
    await clone.connect();
    expect(await first.next('refused')).toMatchObject({ code: 'duplicate_identity', retry: false });
    const third = new FakeWorker(master.endpoint, worker.identity);
    workers.push(third);
    expect(await third.hello().next('refused')).toMatchObject({ code: 'duplicate_identity', retry: true });
    expect(master.engine.worker(worker.id)?.incarnation).toBe(clone.incarnation);
  });

  test('who calls itself by another name than its certificate', async () => {
    const worker = await join();
    const refused = await worker.hello({ workerId: 'somebody-else' } as never).next('refused');
    expect(refused).toMatchObject({ code: 'forbidden', retry: false });
  });

  test('who does not say hello, or says it twice, or says nonsense', async () => {
    const worker = await join();
    const silent = worker.open();
    expect(await silent.next('refused')).toMatchObject({ code: 'unavailable', retry: true });
    const early = worker.open();
    early.heartbeat();
    expect(await early.next('refused')).toMatchObject({ code: 'invalid_argument', retry: false });
    const twice = await worker.connect();
    twice.send({ case: 'hello', value: { workerId: worker.id } });
    expect(await twice.next('refused')).toMatchObject({ code: 'invalid_argument' });
    const greedy = worker.hello({ capacity: { cpuMillis: -1n } } as never);
    expect(await greedy.next('refused')).toMatchObject({ code: 'invalid_argument' });
    const nameless = await worker.connect();
    nameless.log({ taskId: '../../etc', attempt: 1 }, 'stdout', 0, 'x');
    expect(await nameless.next('refused')).toMatchObject({ code: 'invalid_argument' });
    const strange = await worker.connect();
    strange.report({ taskId: 'abcd', attempt: 1 }, { case: 'ended', value: { ...ENDED, reason: 'aliens' } });
    expect(await strange.next('refused')).toMatchObject({ code: 'invalid_argument' });
    await worker.connect();
  });

  test('who speaks of another session', async () => {
    const worker = await join();
    const session = await worker.connect();
    session.number += 5n;
    session.heartbeat();
    expect(await session.next('refused')).toMatchObject({ code: 'fenced', retry: true });
  });

  test('messages beyond any bound end the call and nothing else', async () => {
    const worker = await join();
    const session = await worker.connect();
    const other = await join();
    const fine = await other.connect();
    session.send({ case: 'goodbye', value: { reason: 'x'.repeat(5 * 2 ** 20) } });
    await session.ended;
    fine.heartbeat();
    await fine.next('heartbeatAck');
  });
});

describe('what a worker may not touch', () => {
  test('attempts of another: reports, logs and files about them change nothing', async () => {
    const [one, two] = [await join(), await join()];
    const [first, second] = [await one.connect(), await two.connect()];
    const key = await runningOn(one, first);
    second.log(key, 'stdout', 0, 'forged');
    second.report(key, { case: 'ended', value: ENDED });
    await second.next('reportAck');
    const upload = await failure(
      two.service.uploadArtifact(
        (async function* () {
          yield {
            message: {
              case: 'header' as const,
              value: { key: { ...key }, session: second.number, path: 'a', sizeBytes: 1n },
            },
          };
        })(),
      ),
    );
    expect(upload.metadata.get(CODE_HEADER)).toBe('forbidden');
    expect(master.task(key.taskId)?.state).toBe('running');
    expect(await master.handle.context.logs.state(key.taskId, 1)).toBeNull();
  });
});

describe('certificates are renewed', () => {
  test('the old one counts until the new one is shown for the first time', async () => {
    const worker = await join();
    const old = worker.identity;
    await worker.connect();
    await worker.renew();
    const renewed = worker.identity;
    // The answer might have been lost: the old one still opens everything.
    worker.identity = old;
    worker.disconnect();
    await eventually('it is gone', () => master.engine.worker(worker.id)?.connected === false);
    await worker.connect();
    worker.identity = renewed;
    worker.disconnect();
    await eventually('it is gone', () => master.engine.worker(worker.id)?.connected === false);
    await worker.connect();
    await worker.renew();
    worker.identity = old;
    worker.disconnect();
    expect(await worker.hello().next('refused')).toMatchObject({ code: 'certificate_superseded' });
  });

  test('a session ends with its certificate, and one that has ended is told so', async () => {
    const own = await TestMaster.start({ workerCertificateMs: 1_500 });
    try {
      const worker = await own.join('w1');
      const session = await worker.connect();
      const beat = setInterval(() => session.heartbeat(), 50);
      const closed = await session.next('refused');
      clearInterval(beat);
      expect(closed).toMatchObject({ code: 'unauthenticated', retry: true });
      worker.disconnect();
      const refused = await worker.hello().next('refused');
      expect(refused.message).toContain('the certificate ended at');
      worker.disconnect();
    } finally {
      await own.close();
    }
  });
});

describe('strangers', () => {
  test('have so many connections and so much time', async () => {
    const own = await TestMaster.start({ guard: { perAddress: 5, total: 100, lifetimeMs: 400 } });
    const [host, port] = splitEndpoint(own.endpoint);
    const sockets: Socket[] = [];
    try {
      const closed = Array.from({ length: 8 }, () => {
        const socket = connectTcp({ host, port });
        sockets.push(socket);
        socket.on('error', () => {});
        return new Promise<number>((resolve) => socket.once('close', () => resolve(performance.now())));
      });
      const started = performance.now();
      await Promise.race(closed);
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(sockets.filter((socket) => socket.closed)).toHaveLength(3);
      await Promise.all(closed);
      expect(performance.now() - started).toBeGreaterThan(350);
      // Those with a certificate are none: they stay, and do not count.
      const members = await Promise.all(Array.from({ length: 4 }, async (_, i) => await own.join(`m${i}`)));
      const sessions = await Promise.all(members.map((member) => member.connect()));
      await new Promise((resolve) => setTimeout(resolve, 500));
      for (const session of sessions) {
        session.heartbeat();
        await session.next('heartbeatAck');
      }
      for (const member of members) member.disconnect();
    } finally {
      for (const socket of sockets) socket.destroy();
      await own.close();
    }
  });

  test('speak TLS 1.3 and HTTP/2 or nothing', async () => {
    const [host, port] = splitEndpoint(master.endpoint);
    const attempt = (options: object) =>
      new Promise<string>((resolve) => {
        const socket = connectTls({ host, port, rejectUnauthorized: false, ...options });
        socket.once('secureConnect', () => {
          resolve(`${socket.getProtocol()} ${socket.alpnProtocol}`);
          socket.destroy();
        });
        socket.once('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
      });
    expect(await attempt({ ALPNProtocols: ['h2'] })).toBe('TLSv1.3 h2');
    expect(await attempt({ ALPNProtocols: ['h2'], maxVersion: 'TLSv1.2' })).toContain('ERR_SSL');
    expect(await attempt({ ALPNProtocols: ['http/1.1'] })).toContain('ERR_SSL');
  });
});

describe('files', () => {
  const put = async (worker: FakeWorker, header: object, ...data: Uint8Array[]) =>
    await worker.service.uploadArtifact(
      (async function* () {
        yield { message: { case: 'header' as const, value: header as never } };
        for (const piece of data) yield { message: { case: 'data' as const, value: new Uint8Array(piece) } };
      })(),
    );

  test('are kept under names that no task has chosen', async () => {
    const worker = await join();
    const session = await worker.connect();
    const key = await runningOn(worker, session);
    const data = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i & 0xff));
    const header = { key, session: session.number, path: 'out/Größe.bin', sizeBytes: BigInt(data.byteLength) };
    const stored = await put(worker, header, data.subarray(0, 70_000), data.subarray(70_000));
    expect(stored.digest).toBe(`sha256:${createHash('sha256').update(data).digest('hex')}`);
    // Repeating it is harmless.
    await put(worker, header, data);
    const { artifacts } = master.handle.context;
    const whole = await artifacts.open(key.taskId, 1, 'out/Größe.bin');
    expect(whole?.sizeBytes).toBe(200_000);
    const part = await artifacts.open(key.taskId, 1, 'out/Größe.bin', { start: 10, end: 20 });
    const read = async (stream: NodeJS.ReadableStream): Promise<Buffer> =>
      Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>));
    expect((await read(whole!.stream)).equals(data)).toBe(true);
    expect((await read(part!.stream)).equals(data.subarray(10, 20))).toBe(true);
    expect(await artifacts.open(key.taskId, 1, 'other')).toBeNull();
  });

  test('with paths that climb, begin at the root or are no paths are refused', async () => {
    const worker = await join();
    const session = await worker.connect();
    const key = await runningOn(worker, session);
    for (const path of ['../x', '/etc/passwd', 'a//b', 'a/./b', 'a/../../b', '', 'a\0b', 'x/'.repeat(3_000)]) {
      const error = await failure(put(worker, { key, session: session.number, path, sizeBytes: 1n }, Buffer.from('x')));
      expect(error.code).toBe(Code.InvalidArgument);
    }
  });

  test('of another length than announced, too large, of a session or an attempt that is over are refused', async () => {
    const worker = await join();
    const session = await worker.connect();
    const key = await runningOn(worker, session);
    const header = { key, session: session.number, path: 'a', sizeBytes: 3n };
    const code = async (change: object, ...data: string[]) =>
      (await failure(put(worker, { ...header, ...change }, ...data.map((text) => Buffer.from(text))))).metadata.get(
        CODE_HEADER,
      );
    expect(await code({}, 'ab')).toBe('invalid_argument');
    expect(await code({}, 'ab', 'cd')).toBe('invalid_argument');
    expect(await code({ sizeBytes: 2n ** 50n })).toBe('payload_too_large');
    expect(await code({ session: session.number + 1n }, 'abc')).toBe('fenced');
    session.report(key, { case: 'ended', value: ENDED });
    await session.next('reportAck', (ack) => ack.forget);
    expect(await code({}, 'abc')).toBe('fenced');
    expect(await master.handle.context.artifacts.open(key.taskId, 1, 'a')).toBeNull();
  });
});
