import { Code } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { FakeWorker, makeRequest, openClient, toPem } from '../testing/fake-worker.ts';
import { failure, SessionCase } from '../testing/session-case.ts';
import { eventually, TestMaster } from '../testing/test-master.ts';
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

describe('certificates are renewed', () => {
  test('the old one counts until the new one is shown for the first time', async () => {
    const worker = await bench.join();
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
