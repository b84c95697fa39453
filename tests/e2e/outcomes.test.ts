// How tasks end: exit codes, retries, time limits, cancellation in every state, drain, dependencies.
import type { AttemptView, TaskSubmission, TaskView } from '@cloudai/sdk';
import { afterEach, describe, expect, test } from 'vitest';
import { checkNothingAllocated, collectLog } from './checks.ts';
import { IMAGE } from './cluster.ts';
import { listen } from './ports.ts';
import { useCluster } from './use-cluster.ts';
import { until } from './wait.ts';

const cluster = useCluster({ workers: [{ cpu: 2, labels: { zone: 'one' } }, { cpu: 2 }] });
const SMALL = { cpu: 0.5, memory: '32Mi', storage: '64Mi' };

function submit(command: string, more: Partial<TaskSubmission> = {}): Promise<TaskView> {
  return cluster.client.submitTask({ image: IMAGE, command, resources: SMALL, ...more });
}

async function ended(id: string): Promise<{ task: TaskView; attempts: readonly AttemptView[] }> {
  return cluster.client.waitForTask(id, { pollMs: 100 });
}

function reached(id: string, ...states: string[]): Promise<TaskView> {
  return until(
    async () => {
      const { task } = await cluster.client.getTask(id);
      return states.includes(task.state) && task;
    },
    { what: `task ${id} to be ${states.join(' or ')}` },
  );
}

afterEach(async () => {
  await until(async () => (await cluster.containers()).length === 0, { what: 'every container to be removed' });
  await checkNothingAllocated(cluster.client);
});

describe('exit codes', () => {
  test.each([
    [0, 'completed', 'exit_zero'],
    [7, 'failed', 'exit_nonzero'],
    [255, 'failed', 'exit_nonzero'],
  ])('%i', async (exitCode, state, reason) => {
    const { id } = await submit(`exit ${exitCode}`);
    expect((await ended(id)).task).toMatchObject({ state, reason, exitCode, attempt: 1 });
  });

  test('a program that does not exist is the fault of the command', async () => {
    const { id } = await submit('', { command: ['/no/such/program'] });
    const { task } = await ended(id);
    expect(task).toMatchObject({ state: 'failed', reason: 'command_error' });
    expect(task.message).toContain('/no/such/program');
  });
});

describe('retries', () => {
  test('happen for the exit codes that were named, after growing waits', async () => {
    const { id } = await submit('echo try $CLOUDAI_ATTEMPT; [ $CLOUDAI_ATTEMPT -ge 3 ] && exit 0; exit 75', {
      retry: { limit: 5, exitCodes: [75], backoff: '300ms', factor: 2 },
    });
    const { task, attempts } = await ended(id);
    expect(task).toMatchObject({ state: 'completed', exitCode: 0, attempt: 3 });
    expect(attempts.map(({ number, exitCode }) => [number, exitCode])).toEqual([
      [1, 75],
      [2, 75],
      [3, 0],
    ]);
    expect(waitBefore(attempts, 2)).toBeGreaterThanOrEqual(300);
    expect(waitBefore(attempts, 3)).toBeGreaterThanOrEqual(600);
    const log = await collectLog(cluster.client, id, { attempt: 'all' });
    expect(log.stdout.toString()).toBe('try 1\ntry 2\ntry 3\n');
  });

  test('do not happen for other exit codes', async () => {
    const { id } = await submit('exit 76', { retry: { limit: 5, exitCodes: [75] } });
    expect((await ended(id)).task).toMatchObject({ state: 'failed', exitCode: 76, attempt: 1 });
  });

  test('happen for the reasons that were named, and stop at their limit', async () => {
    const { id } = await submit('', {
      command: ['tail', '/dev/zero'],
      retry: { limit: 1, reasons: ['oom'], backoff: '100ms' },
    });
    const { task, attempts } = await ended(id);
    expect(task).toMatchObject({ state: 'failed', reason: 'oom', attempt: 2 });
    expect(attempts.map(({ reason }) => reason)).toEqual(['oom', 'oom']);
  });

  test.each(['kill', 'remove'] as const)('a container that somebody else %ss costs the user no retry', async (how) => {
    const { id } = await submit('[ $CLOUDAI_ATTEMPT -ge 2 ] && exit 0; sleep 60');
    await reached(id, 'running');
    const [container] = await cluster.containersOf(id);
    await cluster.docker[how](container!.Id);
    const { task, attempts } = await ended(id);
    expect(task).toMatchObject({ state: 'completed', attempt: 2 });
    expect(attempts[0]).toMatchObject({ state: 'lost', reason: 'external' });
  });
});

describe('time limits', () => {
  test('a task that runs longer than allowed is stopped', async () => {
    const { id } = await submit('echo begin; sleep 60', { timeout: '1s', stopGrace: '2s' });
    const { task } = await ended(id);
    expect(task).toMatchObject({ state: 'failed', reason: 'timeout' });
    expect((await collectLog(cluster.client, id)).stdout.toString()).toBe('begin\n');
  });

  test('one that ignores the signal is killed after its grace', async () => {
    const { id } = await submit("trap '' TERM; while :; do sleep 1; done", { timeout: '1s', stopGrace: '1s' });
    const { task } = await ended(id);
    expect(task).toMatchObject({ state: 'failed', reason: 'timeout' });
    expect(Date.parse(task.endedAt!) - Date.parse(task.startedAt!)).toBeLessThan(8_000);
  });

  test('one that can not start in time gives up', async () => {
    const { id } = await submit('exit 0', { resources: { cpu: 64 }, queueTimeout: '1s' });
    expect((await ended(id)).task).toMatchObject({ state: 'failed', reason: 'queue_timeout', attempt: 0 });
  });
});

describe('cancel', () => {
  test('a task that waits for its start time', async () => {
    const startAfter = new Date(Date.now() + 3_600_000).toISOString();
    const { id } = await submit('exit 0', { startAfter });
    await reached(id, 'pending');
    expect(await cluster.client.cancelTask(id)).toMatchObject({ state: 'cancelled', reason: 'cancelled_by_user' });
  });

  test('a queued task', async () => {
    const { id } = await submit('exit 0', { resources: { cpu: 64 } });
    await reached(id, 'queued');
    expect(await cluster.client.cancelTask(id)).toMatchObject({ state: 'cancelled', attempt: 0 });
  });

  test('a task whose image is being pulled from a registry that never answers', async () => {
    const registry = await listen('127.0.0.1');
    const { port } = registry.address() as { port: number };
    const { id } = await submit('exit 0', { image: `127.0.0.1:${port}/never:1` });
    await until(async () => (await cluster.client.getTask(id)).attempts[0]?.state === 'starting', {
      what: 'the attempt to be starting',
    });
    expect((await cluster.client.getTask(id)).task.state).toBe('assigned');
    await cluster.client.cancelTask(id);
    expect((await ended(id)).task).toMatchObject({ state: 'cancelled', reason: 'cancelled_by_user' });
    registry.close();
  });

  test('a running task gets the signal and its grace', async () => {
    const { id } = await submit("trap 'echo asked to stop; exit 3' TERM; echo ready; while :; do sleep 0.1; done");
    await reached(id, 'running');
    await until(async () => (await collectLog(cluster.client, id)).stdout.length > 0, { what: 'the first line' });
    await cluster.client.cancelTask(id, { message: 'no longer needed' });
    const { task } = await ended(id);
    expect(task).toMatchObject({ state: 'cancelled', reason: 'cancelled_by_user' });
    expect((await collectLog(cluster.client, id)).stdout.toString()).toBe('ready\nasked to stop\n');
  });

  test('twice, while it stops, is once', async () => {
    const { id } = await submit("trap '' TERM; while :; do sleep 1; done", { stopGrace: '1s' });
    await reached(id, 'running');
    await cluster.client.cancelTask(id);
    await cluster.client.cancelTask(id);
    expect((await ended(id)).task.state).toBe('cancelled');
    const events = await cluster.client.listTaskEvents(id).take(100);
    expect(events.filter(({ kind }) => kind === 'task_cancel_requested')).toHaveLength(1);
    expect(events.filter(({ kind }) => kind === 'task_cancelled')).toHaveLength(1);
  });

  test('after the end changes nothing', async () => {
    const { id } = await submit('exit 5');
    const { task } = await ended(id);
    expect(await cluster.client.cancelTask(id)).toEqual(task);
    expect((await cluster.client.getTask(id)).task).toEqual(task);
  });

  test('a task between two attempts', async () => {
    const { id } = await submit('exit 1', { retry: { limit: 5, backoff: '1h' } });
    await reached(id, 'pending');
    expect(await cluster.client.cancelTask(id)).toMatchObject({ state: 'cancelled' });
  });
});

describe('drain', () => {
  test('a worker that drains gets nothing new and finishes what it has', async () => {
    const running = await submit('sleep 1.5; echo done', { worker: 'worker-1' });
    await reached(running.id, 'running');
    await cluster.client.drainWorker('worker-1', { reason: 'maintenance' });
    const others = await Promise.all([submit('exit 0'), submit('exit 0'), submit('exit 0')]);
    for (const { id } of others)
      expect((await ended(id)).task).toMatchObject({ state: 'completed', worker: 'worker-2' });
    expect((await ended(running.id)).task).toMatchObject({ state: 'completed', worker: 'worker-1' });
    expect((await cluster.client.getWorker('worker-1')).drain).toMatchObject({ reason: 'maintenance' });
    await cluster.client.drainWorker('worker-1', { off: true });
    expect((await cluster.client.getWorker('worker-1')).drain).toBeNull();
  });

  test('at its deadline, what still runs moves to another worker', async () => {
    const { id } = await submit('[ $CLOUDAI_ATTEMPT -ge 2 ] && exit 0; sleep 60', { stopGrace: '1s' });
    const { worker } = await reached(id, 'running');
    await cluster.client.drainWorker(worker!, { deadline: '1s' });
    const { task, attempts } = await ended(id);
    expect(task).toMatchObject({ state: 'completed', attempt: 2 });
    expect(attempts[1]!.worker).not.toBe(worker);
    await cluster.client.drainWorker(worker!, { off: true });
  });
});

describe('dependencies', () => {
  test('a task starts after those it depends on', async () => {
    const { taskIds } = await cluster.client.submitJob({
      tasks: [
        { name: 'last', image: IMAGE, command: 'date +%s', resources: SMALL, dependsOn: ['first', 'second'] },
        { name: 'first', image: IMAGE, command: 'sleep 1', resources: SMALL },
        { name: 'second', image: IMAGE, command: 'sleep 0.5', resources: SMALL },
      ],
    });
    const [last, first, second] = await Promise.all(taskIds.map(async (id) => (await ended(id)).task));
    expect(last!.state).toBe('completed');
    for (const parent of [first!, second!]) {
      expect(Date.parse(last!.startedAt!)).toBeGreaterThanOrEqual(Date.parse(parent.endedAt!) - 1);
    }
  });

  test('a failed one takes those that wait for it along, with its name', async () => {
    const { taskIds } = await cluster.client.submitJob({
      tasks: [
        { name: 'parent', image: IMAGE, command: 'exit 1', resources: SMALL },
        { name: 'child', image: IMAGE, resources: SMALL, dependsOn: ['parent'] },
        { name: 'grandchild', image: IMAGE, resources: SMALL, dependsOn: ['child'] },
      ],
    });
    const tasks = await Promise.all(taskIds.map(async (id) => (await ended(id)).task));
    expect(tasks.map(({ reason }) => reason)).toEqual(['exit_nonzero', 'dependency_failed', 'dependency_failed']);
    expect(tasks[1]!.message).toContain(taskIds[0]);
  });
});

describe('order', () => {
  test('what waits starts by priority, then by deadline, then first come', async () => {
    const whole = { cpu: 2, memory: '32Mi', storage: '64Mi' };
    const blockers = await Promise.all(
      cluster.workerIds.map((worker) => submit('sleep 2', { worker, resources: whole })),
    );
    await Promise.all(blockers.map(({ id }) => reached(id, 'running')));
    const on = (name: string, more: Partial<TaskSubmission>) =>
      submit('exit 0', { name, selector: { zone: 'one' }, resources: whole, ...more });
    const soon = new Date(Date.now() + 60_000).toISOString();
    const later = new Date(Date.now() + 600_000).toISOString();
    const tasks = [
      await on('first come', {}),
      await on('later deadline', { deadline: later }),
      await on('low', { priority: 10 }),
      await on('soon deadline', { deadline: soon }),
      await on('high', { priority: 90 }),
      await on('second come', {}),
    ];
    const done = await Promise.all(tasks.map(async ({ id }) => (await ended(id)).task));
    const order = done.sort((a, b) => Date.parse(a.startedAt!) - Date.parse(b.startedAt!)).map(({ name }) => name);
    expect(order).toEqual(['high', 'soon deadline', 'later deadline', 'first come', 'second come', 'low']);
  });
});

function waitBefore(attempts: readonly AttemptView[], number: number): number {
  const [before, after] = [attempts[number - 2]!, attempts[number - 1]!];
  return Date.parse(after.assignedAt) - Date.parse(before.endedAt!);
}
