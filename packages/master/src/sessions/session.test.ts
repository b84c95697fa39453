import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ENDED, SessionCase } from '../testing/session-case.ts';
import { eventually, TestMaster } from '../testing/test-master.ts';

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

describe('the way of a task', () => {
  test('assigned, started, logged, ended, and forgotten only when its log is durable', async () => {
    const worker = await bench.join();
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

  test('a stuck process fails its task, and its log goes on until it really ends', async () => {
    const worker = await bench.join();
    const session = await worker.connect();
    const key = await bench.runningOn(worker, session);
    session.report(key, { case: 'ended', value: { reason: 'stuck', endedAt: 2n, message: 'it can not be killed' } });
    expect(await session.next('reportAck')).toMatchObject({ forget: false });
    expect(master.task(key.taskId)).toMatchObject({ state: 'failed', reason: 'stuck' });
    session.log(key, 'stdout', 0, 'still here\n', { last: true });
    session.log(key, 'stderr', 0, '', { last: true });
    session.report(key, { case: 'ended', value: { ...ENDED, reason: 'timeout', stdoutBytes: 11n } });
    await eventually('its end is accepted', () =>
      session.received.some((one) => one.case === 'reportAck' && one.value.forget),
    );
    expect((await master.logOf(key.taskId)).toString()).toBe('still here\n');
  });

  test('an attempt without any output may be forgotten at once', async () => {
    const worker = await bench.join();
    const session = await worker.connect();
    const taskId = await master.submitTask({ targetWorker: worker.id });
    await session.next('assign');
    session.report({ taskId, attempt: 1 }, { case: 'ended', value: { ...ENDED, reason: 'image_error' } });
    expect(await session.next('reportAck')).toMatchObject({ forget: true });
    expect(await master.handle.context.logs.state(taskId, 1)).toMatchObject({ complete: true, stdoutBytes: 0 });
  });

  test('heartbeats are acknowledged and bring measurements', async () => {
    const worker = await bench.join();
    const session = await worker.connect();
    const sequence = session.heartbeat({ usage: { cpu: 0.5, memoryBytes: 7n } as never });
    expect(await session.next('heartbeatAck')).toMatchObject({ sequence });
    expect(master.handle.context.usage.worker(worker.id)).toMatchObject({ cpu: 0.5, memoryBytes: 7 });
  });

  test('a cancel reaches the worker, and the end that it reports is the cancel', async () => {
    const worker = await bench.join();
    const session = await worker.connect();
    const key = await bench.runningOn(worker, session);
    await master.submit({ kind: 'cancelTask', taskId: key.taskId, by: 'admin', message: null });
    expect(await session.next('cancel')).toMatchObject({ key, reason: 'cancelled_by_user', graceMs: 10_000n });
    session.report(key, { case: 'ended', value: { ...ENDED, reason: 'cancelled_by_user', exitCode: 143 } });
    await eventually('it is cancelled', () => master.task(key.taskId)?.state === 'cancelled');
  });

  test('a drain is told when it begins and ends, and to a worker that connects meanwhile', async () => {
    const worker = await bench.join();
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
    const worker = await bench.join();
    const first = await worker.connect();
    const key = await bench.runningOn(worker, first);
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

  test('what an abandoned attempt still says is not believed of a later one of the same name', async () => {
    const worker = await bench.join();
    const key = { taskId: 'yyyyyyyyyyyyyyyy', attempt: 1 };
    const session = await worker.connect({ found: [{ key: { ...key }, phase: 'running', startedAt: 1n }] } as never);
    await session.next('abandon');
    await master.submitTask({ id: key.taskId, targetWorker: worker.id });
    await session.next('assign');
    session.report(key, { case: 'running', value: { startedAt: 1n, containerId: 'old', imageDigest: '' } });
    await session.next('reportAck');
    expect(master.attempt(key.taskId)).toMatchObject({ state: 'assigned', containerId: null });
    session.report(key, { case: 'ended', value: { ...ENDED, reason: 'start_error', exitCode: undefined } });
    await eventually('it is tried again', () => master.task(key.taskId)?.state === 'pending');
  });

  test('an assignment that got lost with the connection is made again at the hello', async () => {
    const worker = await bench.join();
    const first = await worker.connect();
    const taskId = await master.submitTask({ targetWorker: worker.id });
    await first.next('assign');
    first.destroy();
    await eventually('it is gone', () => master.engine.worker(worker.id)?.connected === false);
    const session = await worker.connect();
    expect((await session.next('assign')).key).toMatchObject({ taskId, attempt: 1 });
  });

  test('repeated reports are acknowledged and change nothing', async () => {
    const worker = await bench.join();
    const first = await worker.connect();
    const key = await bench.runningOn(worker, first);
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
    const worker = await bench.join();
    const session = await worker.connect();
    const key = await bench.runningOn(worker, session);
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
