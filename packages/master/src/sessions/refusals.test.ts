import { Code } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Authority } from '../identity/authority.ts';
import { FakeWorker, makeRequest, openClient, toPem } from '../testing/fake-worker.ts';
import { ENDED, failure, SessionCase } from '../testing/session-case.ts';
import type { TestMaster } from '../testing/test-master.ts';
import { CODE_HEADER } from './refusal.ts';

// A whole master starts here, and the machine may be busy with other things.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let bench: SessionCase;
let master: TestMaster;

beforeAll(async () => {
  bench = await SessionCase.open();
  master = bench.master;
});
afterAll(async () => {
  await bench.close();
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
    const worker = await bench.join();
    const foreign = await Authority.create(`${master.directory}/artifacts`, 'foreigncluster23', Date.now());
    const { key, csr } = await makeRequest();
    const { chain } = await foreign.issueWorker(worker.id, csr, null, Date.now());
    const imposter = new FakeWorker(master.endpoint, { ...worker.identity, key, chain: toPem(chain) });
    bench.keep(imposter);
    const refused = await imposter.hello().next('refused');
    expect(refused).toMatchObject({ code: 'unauthenticated', retry: false });
    expect(refused.message).toContain('was not issued by this cluster');
  });

  test('with a certificate that was superseded by joining again; its session ends', async () => {
    const worker = await bench.join();
    const session = await worker.connect();
    const successor = await FakeWorker.join(master.endpoint, await master.register(worker.id, { renew: true }));
    bench.keep(successor);
    expect(await session.next('refused')).toMatchObject({ code: 'certificate_superseded', retry: false });
    await successor.connect();
    expect(await worker.hello().next('refused')).toMatchObject({ code: 'certificate_superseded', retry: false });
    const error = await failure(worker.renew());
    expect(error.metadata.get(CODE_HEADER)).toBe('certificate_superseded');
  });

  test('unregistered: its session ends, and it is not let in again', async () => {
    const worker = await bench.join();
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
    const worker = await bench.join();
    const first = await worker.connect();
    const clone = new FakeWorker(master.endpoint, worker.identity);
    bench.keep(clone);
    await clone.connect();
    expect(await first.next('refused')).toMatchObject({ code: 'duplicate_identity', retry: false });
    const third = new FakeWorker(master.endpoint, worker.identity);
    bench.keep(third);
    expect(await third.hello().next('refused')).toMatchObject({ code: 'duplicate_identity', retry: true });
    expect(master.engine.worker(worker.id)?.incarnation).toBe(clone.incarnation);
  });

  test('who calls itself by another name than its certificate', async () => {
    const worker = await bench.join();
    const refused = await worker.hello({ workerId: 'somebody-else' } as never).next('refused');
    expect(refused).toMatchObject({ code: 'forbidden', retry: false });
  });

  test('who does not say hello, or says it twice, or says nonsense', async () => {
    const worker = await bench.join();
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
    const worker = await bench.join();
    const session = await worker.connect();
    session.number += 5n;
    session.heartbeat();
    expect(await session.next('refused')).toMatchObject({ code: 'fenced', retry: true });
  });

  test('messages beyond any bound end the call and nothing else', async () => {
    const worker = await bench.join();
    const session = await worker.connect();
    const other = await bench.join();
    const fine = await other.connect();
    session.send({ case: 'goodbye', value: { reason: 'x'.repeat(5 * 2 ** 20) } });
    await session.ended;
    fine.heartbeat();
    await fine.next('heartbeatAck');
  });
});

describe('what a worker may not touch', () => {
  test('attempts of another: reports, logs and files about them change nothing', async () => {
    const [one, two] = [await bench.join(), await bench.join()];
    const [first, second] = [await one.connect(), await two.connect()];
    const key = await bench.runningOn(one, first);
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
