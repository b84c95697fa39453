// The scenarios A0-T1 to A0-T5: what an operator sees of total, allocated and available while tasks come and go. Requests
// stay at two cores each, because Docker gives no container more than the machine has.
import type { ResourcesView, TaskView } from '@cloudai/sdk';
import { afterEach, expect, test } from 'vitest';
import { checkCapacity } from '../e2e/checks.ts';
import { IMAGE } from '../e2e/cluster.ts';
import { useCluster } from '../e2e/use-cluster.ts';
import { until } from '../e2e/wait.ts';

const GIB = 2 ** 30;
const cluster = useCluster({
  workers: [
    { id: 'small', cpu: 4, memory: '8Gi' },
    { id: 'left', cpu: 8, memory: '16Gi' },
    { id: 'right', cpu: 8, memory: '16Gi' },
  ],
});

afterEach(() => cluster.settle());

async function run(worker: string, cpu: number, memory: number, command = 'sleep 300'): Promise<TaskView> {
  const resources = { cpu, memory, storage: 0.1 };
  const { id } = await cluster.client.submitTask({ image: IMAGE, command, worker, resources, stopGrace: '0s' });
  return until(
    async () => {
      const { task } = await cluster.client.getTask(id);
      return ['running', 'completed', 'failed'].includes(task.state) && task;
    },
    { what: 'the task to run' },
  );
}

/** CPU in cores and memory in GiB, as the scenarios speak of them. */
async function seen(worker: string): Promise<{ allocated: number[]; available: number[] }> {
  const view = await cluster.client.getWorker(worker);
  checkCapacity(view);
  const short = ({ cpuMillis, memoryBytes }: ResourcesView) => [cpuMillis / 1000, memoryBytes / GIB];
  return { allocated: short(view.allocated), available: short(view.available!) };
}

test('A0-T1: two tasks of 2 CPU and 4 GB fill a worker of 4 CPU and 8 GB', async () => {
  expect(await seen('small')).toEqual({ allocated: [0, 0], available: [4, 8] });
  await run('small', 2, 4);
  expect(await seen('small')).toEqual({ allocated: [2, 4], available: [2, 4] });
  await run('small', 2, 4);
  expect(await seen('small')).toEqual({ allocated: [4, 8], available: [0, 0] });
});

test('A0-T2: with 2 CPU available a task of 3 is rejected, with both numbers', async () => {
  await run('small', 2, 1);
  const asked = cluster.client.submitTask({ image: IMAGE, worker: 'small', resources: { cpu: 3, memory: 1 } });
  await expect(asked).rejects.toMatchObject({
    code: 'insufficient_resources',
    message: 'Insufficient CPU: worker has 2.00 available, task requires 3.00',
  });
  expect(await seen('small')).toEqual({ allocated: [2, 1], available: [2, 7] });
});

test.each([
  ['A0-T3: completion', 'exit 0', 'completed'],
  ['A0-T4: failure', 'exit 1', 'failed'],
] as const)('%s gives 2 CPU and 4 GB back; available is the total without the other tasks', async (_, end, state) => {
  await run('small', 1, 1);
  const { id } = await run('small', 2, 4, `sleep 1; ${end}`);
  expect(await seen('small')).toEqual({ allocated: [3, 5], available: [1, 3] });
  expect((await cluster.client.waitForTask(id)).task.state).toBe(state);
  expect(await seen('small')).toEqual({ allocated: [1, 1], available: [3, 7] });
});

test('A0-T5: of two 8-CPU workers with 6 and 2 allocated, the operator sees 2 and 6 available', async () => {
  for (const worker of ['left', 'left', 'left', 'right']) await run(worker, 2, 1);
  expect((await seen('left')).available[0]).toBe(2);
  expect((await seen('right')).available[0]).toBe(6);
  const table = await cluster.run('workers');
  expect(table).toMatch(/left.*6/);
  expect(table).toMatch(/right.*2/);
});
