import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeWorker } from '../testing/fake-worker.ts';
import { eventually, TestMaster } from '../testing/test-master.ts';

let master: TestMaster;

beforeAll(async () => {
  master = await TestMaster.start();
});
afterAll(async () => {
  await master.close();
});

const ENDED = { reason: 'exit_zero', exitCode: 0, endedAt: 1_800_000_000_000n };

describe('the way of a task over a real session', () => {
  test('assigned, started, logged, ended, and forgotten only when its log is durable', async () => {
    const worker = await master.join('w1');
    const session = await worker.connect();
    const taskId = await master.submitTask({ targetWorker: 'w1' });
    const assign = await session.next('assign');
    expect(assign.key).toMatchObject({ taskId, attempt: 1 });
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
    session.log(key, 'stdout', 6, 'world\n', { last: true });
    session.log(key, 'stderr', 0, '', { last: true });
    expect(await session.next('reportAck')).toMatchObject({ sequence: ended, forget: true });
    expect((await master.logOf(taskId)).toString()).toBe('hello\nworld\n');
    expect(await master.handle.context.logs.state(taskId, 1)).toMatchObject({ complete: true, stdoutBytes: 12 });
    session.send({ case: 'goodbye', value: { reason: 'test' } });
    await session.ended;
    await eventually('it is gone', () => master.engine.worker('w1')?.connected === false);
    worker.disconnect();
  });

  test('heartbeats are acknowledged and bring measurements', async () => {
    const worker = await master.join('w2');
    const session = await worker.connect();
    const sequence = session.heartbeat({ usage: { cpu: 0.5, memoryBytes: 7n } as never });
    expect(await session.next('heartbeatAck')).toMatchObject({ sequence });
    expect(master.handle.context.usage.worker('w2')).toMatchObject({ cpu: 0.5, memoryBytes: 7 });
    worker.disconnect();
  });
});

void FakeWorker;
