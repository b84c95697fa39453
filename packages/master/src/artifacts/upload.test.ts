import { createHash } from 'node:crypto';
import { Code } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { CODE_HEADER } from '../sessions/refusal.ts';
import type { FakeWorker } from '../testing/fake-worker.ts';
import { ENDED, failure, SessionCase } from '../testing/session-case.ts';
import type { TestMaster } from '../testing/test-master.ts';

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

describe('files', () => {
  const put = async (worker: FakeWorker, header: object, ...data: Uint8Array[]) =>
    await worker.service.uploadArtifact(
      (async function* () {
        yield { message: { case: 'header' as const, value: header as never } };
        for (const piece of data) yield { message: { case: 'data' as const, value: new Uint8Array(piece) } };
      })(),
    );

  test('are kept under names that no task has chosen', async () => {
    const worker = await bench.join();
    const session = await worker.connect();
    const key = await bench.runningOn(worker, session);
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
    const worker = await bench.join();
    const session = await worker.connect();
    const key = await bench.runningOn(worker, session);
    for (const path of ['../x', '/etc/passwd', 'a//b', 'a/./b', 'a/../../b', '', 'a\0b', 'x/'.repeat(3_000)]) {
      const error = await failure(put(worker, { key, session: session.number, path, sizeBytes: 1n }, Buffer.from('x')));
      expect(error.code).toBe(Code.InvalidArgument);
    }
  });

  test('of another length than announced, too large, of a session or an attempt that is over are refused', async () => {
    const worker = await bench.join();
    const session = await worker.connect();
    const key = await bench.runningOn(worker, session);
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
