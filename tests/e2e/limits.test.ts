// Limits are real: each of these tasks does its best to take more than it was given.
import { expect, test } from 'vitest';
import { collectLog } from './checks.ts';
import { IMAGE } from './cluster.ts';
import { useCluster } from './use-cluster.ts';

const cluster = useCluster({ workers: [{ cpu: 2, memory: '2Gi' }] });

test('four busy processes get half a core between them when half a core was asked for', async () => {
  const seconds = 3;
  const busy = "(timeout 3 sh -c 'while :; do :; done') &";
  const task = await cluster.client.submitTask({
    image: IMAGE,
    command: `${busy} ${busy} ${busy} ${busy} wait; times`,
    resources: { cpu: 0.5, memory: '64Mi' },
  });
  await cluster.client.waitForTask(task.id);
  const { stdout } = await collectLog(cluster.client, task.id);
  const used = childrenSeconds(stdout.toString());
  // The quota is given out in periods of 100 ms, so one period more than the share can be had.
  expect(used).toBeLessThan(0.5 * seconds + 0.3);
  expect(used).toBeGreaterThan(0.2);
});

test('a task that takes more memory than it asked for fails as oom', async () => {
  const { id } = await cluster.client.submitTask({
    image: IMAGE,
    command: ['tail', '/dev/zero'],
    resources: { cpu: 1, memory: '32Mi' },
  });
  const { task, attempts } = await cluster.client.waitForTask(id);
  expect(task).toMatchObject({ state: 'failed', reason: 'oom', exitCode: 137 });
  expect(task.message).toContain('32');
  expect(attempts).toHaveLength(1);
  expect(attempts[0]!.peakMemoryBytes ?? 0).toBeLessThanOrEqual(32 * 2 ** 20);
});

test('a child killed for memory does not decide the outcome of a task that goes on', async () => {
  const { id } = await cluster.client.submitTask({
    image: IMAGE,
    command: 'tail /dev/zero; echo "the child ended with $?"; exit 3',
    resources: { cpu: 1, memory: '32Mi' },
  });
  const { task } = await cluster.client.waitForTask(id);
  expect(task).toMatchObject({ state: 'failed', reason: 'exit_nonzero', exitCode: 3 });
  expect((await collectLog(cluster.client, id)).stdout.toString()).toContain('the child ended with 137');
});

test('a fork bomb stops at the limit of processes and harms nobody', async () => {
  const bomb = await cluster.client.submitTask({
    image: IMAGE,
    command: 'i=0; while [ $i -lt 2000 ]; do sleep 30 & i=$((i+1)); echo $i; done',
    resources: { cpu: 1, memory: '256Mi' },
  });
  const neighbour = await cluster.client.submitTask({
    image: IMAGE,
    command: 'for i in 1 2 3 4 5; do sleep 0.2; echo $i; done',
    resources: { cpu: 1, memory: '64Mi' },
  });
  const { task } = await cluster.client.waitForTask(bomb.id);
  expect(task).toMatchObject({ state: 'failed', reason: 'exit_nonzero' });
  const { stdout, stderr } = await collectLog(cluster.client, bomb.id);
  expect(Number(stdout.toString().trim().split('\n').at(-1))).toBeLessThan(512);
  expect(stderr.toString()).toContain("can't fork");
  expect((await cluster.client.waitForTask(neighbour.id)).task.state).toBe('completed');
});

test('more than the worker has is refused at once when the worker is named', async () => {
  const asked = cluster.client.submitTask({
    image: IMAGE,
    worker: 'worker-1',
    resources: { cpu: 3, memory: '64Mi' },
  });
  await expect(asked).rejects.toMatchObject({
    code: 'insufficient_resources',
    message: 'Insufficient CPU: worker has 2.00 available, task requires 3.00',
  });
  expect(await cluster.client.listTasks({ state: 'pending,queued' }).take(10)).toEqual([]);
});

test('more than any worker has waits with that reason when no worker is named', async () => {
  const { id } = await cluster.client.submitTask({ image: IMAGE, resources: { cpu: 3, memory: '64Mi' } });
  const explanation = await cluster.client.explainTask(id);
  expect(explanation).toMatchObject({
    state: 'queued',
    summary: 'Insufficient CPU: worker has 2.00 available, task requires 3.00',
    couldEverFit: false,
  });
  expect(explanation.workers[0]!.obstacles[0]).toMatchObject({ resource: 'cpu', available: 2000, required: 3000 });
  await cluster.client.cancelTask(id);
});

/** `times` prints the CPU time of the shell, then of the children it waited for: user and system each. */
function childrenSeconds(times: string): number {
  const [, children = ''] = times.trim().split('\n');
  const parts = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  return parts.reduce((sum, part) => sum + part, 0);
}
