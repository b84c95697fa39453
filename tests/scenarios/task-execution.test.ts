// The list A4-18: what the first version of task execution and monitoring set out to test, against real containers.
import { describe, expect, test } from 'vitest';
import { checkNumberedLines, collectLog } from '../e2e/checks.ts';
import { IMAGE } from '../e2e/cluster.ts';
import { useCluster } from '../e2e/use-cluster.ts';
import { until } from '../e2e/wait.ts';

const cluster = useCluster({
  workers: [
    { cpu: 4, memory: '4Gi' },
    { cpu: 4, memory: '4Gi' },
  ],
});
const SMALL = { cpu: 0.5, memory: '32Mi', storage: '64Mi' };

async function running(command: string, more: object = {}): Promise<{ id: string; worker: string }> {
  const { id } = await cluster.client.submitTask({ image: IMAGE, command, resources: SMALL, ...more });
  return until(
    async () => {
      const { task } = await cluster.client.getTask(id);
      return task.state === 'running' && { id, worker: task.worker! };
    },
    { what: 'the task to run' },
  );
}

describe('A4-18: resource limits', () => {
  test.each([
    [0.5, 64],
    [1, 128],
    [1.5, 200],
    [2, 1024],
  ])('%s CPU and %i MiB stand in the container as they were asked for', async (cpu, mebibytes) => {
    const { id } = await running('sleep 300', {
      resources: { cpu, memory: `${mebibytes}Mi`, storage: '64Mi' },
      stopGrace: '0s',
    });
    const [container] = await cluster.containersOf(id);
    const { HostConfig } = await cluster.docker.inspect(container!.Id);
    expect(HostConfig).toMatchObject({
      NanoCpus: cpu * 1e9,
      Memory: mebibytes * 2 ** 20,
      MemorySwap: mebibytes * 2 ** 20,
    });
    await cluster.client.cancelTask(id);
  });

  test('memory beyond the limit ends in oom', async () => {
    const { id } = await cluster.client.submitTask({ image: IMAGE, command: ['tail', '/dev/zero'], resources: SMALL });
    expect((await cluster.client.waitForTask(id)).task).toMatchObject({ state: 'failed', reason: 'oom' });
  });
});

test('A4-18: a task is created, read, listed by user and by state, and ends', async () => {
  const { id } = await cluster.client.submitTask({ image: IMAGE, command: 'exit 0', name: 'crud', resources: SMALL });
  const { task } = await cluster.client.waitForTask(id);
  expect(task).toMatchObject({ owner: expect.any(String), state: 'completed', startedAt: expect.any(String) });
  const byUser = await cluster.client.listTasks({ owner: task.owner, name: 'crud' }).take(10);
  const byState = await cluster.client.listTasks({ state: 'completed', name: 'crud' }).take(10);
  expect(byUser.map((found) => found.id)).toEqual([id]);
  expect(byState.map((found) => found.id)).toEqual([id]);
});

test('A4-18: the log of a long task is complete', async () => {
  const { id } = await running('i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; sleep 0.02; done');
  const { stdout, end } = await collectLog(cluster.client, id, { follow: true });
  checkNumberedLines(stdout, 300);
  expect(end).toMatchObject({ state: 'completed', exitCode: 0 });
});

test('A4-18: to watch a task that is not there is an error that says so', async () => {
  await expect(collectLog(cluster.client, 'task-1', { follow: true })).rejects.toMatchObject({ code: 'task_unknown' });
});

test('A4-18: an image that is not there fails the task and says which', async () => {
  const { id } = await cluster.client.submitTask({ image: 'cloudai/absent:local', pull: 'never', resources: SMALL });
  const { task } = await cluster.client.waitForTask(id);
  expect(task).toMatchObject({ state: 'failed', reason: 'image_error' });
  expect(task.message).toContain('cloudai/absent:local');
});

test('A4-18: a task for a worker that is offline is refused, with its name', async () => {
  await cluster.client.registerWorker({ id: 'offline' });
  const asked = cluster.client.submitTask({ image: IMAGE, worker: 'offline', resources: SMALL });
  await expect(asked).rejects.toMatchObject({ code: 'worker_not_active', message: expect.stringContaining('offline') });
  await cluster.client.unregisterWorker('offline');
});

test('A4-18: a worker killed while its task is watched: the watching goes on with the next attempt', async () => {
  const { id, worker } = await running('echo attempt $CLOUDAI_ATTEMPT; [ $CLOUDAI_ATTEMPT -ge 2 ] || sleep 300');
  const watching = collectLog(cluster.client, id, { follow: true });
  await until(async () => (await collectLog(cluster.client, id)).stdout.length > 0, { what: 'the first line' });
  await cluster.worker(worker).kill9();
  const { stdout, end } = await watching;
  expect(stdout.toString()).toBe('attempt 1\nattempt 2\n');
  expect(end).toMatchObject({ state: 'completed' });
  await cluster.startWorker(worker);
  await until(async () => (await cluster.containersOf(id)).length === 0, { what: 'the first container to be removed' });
});
