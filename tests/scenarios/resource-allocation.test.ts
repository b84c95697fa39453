// The vectors D-22: which requests fit which worker, and which texts are amounts.
import { afterEach, describe, expect, test } from 'vitest';
import { IMAGE } from '../e2e/cluster.ts';
import { useCluster } from '../e2e/use-cluster.ts';

const cluster = useCluster({
  workers: [
    { id: 'dev', cpu: 4, memory: '8Gi' },
    { id: 'lab', cpu: 8, memory: '16Gi' },
  ],
});

afterEach(() => cluster.settle());

/** True when the worker takes it; the refusal's code otherwise. */
async function allocate(worker: string, cpu: number | string, memory: string): Promise<true | string> {
  const resources = { cpu, memory, storage: '64Mi' };
  return cluster.client
    .submitTask({ image: IMAGE, command: 'sleep 300', worker, resources, stopGrace: '0s' })
    .then(() => true as const)
    .catch((error: { code: string }) => error.code);
}

describe('D-22: 4 CPU and 8 GB', () => {
  test('one with 2Gi fits, eight with 16Gi do not', async () => {
    expect(await allocate('dev', 1, '2Gi')).toBe(true);
    expect(await allocate('dev', 8, '16Gi')).toBe('insufficient_resources');
  });

  test('after {1, 2Gi} and {2, 3Gi}, {4, 8Gi} is rejected', async () => {
    expect(await allocate('dev', 1, '2Gi')).toBe(true);
    expect(await allocate('dev', 2, '3Gi')).toBe(true);
    expect(await allocate('dev', 4, '8Gi')).toBe('insufficient_resources');
    expect((await cluster.client.getWorker('dev')).allocated).toMatchObject({
      cpuMillis: 3000,
      memoryBytes: 5 * 2 ** 30,
    });
  });

  test.each([
    ['.5', '512Mi', 500, 512 * 2 ** 20],
    ['1.5', '1.5Gi', 1500, 1536 * 2 ** 20],
    ['2', '1024Mi', 2000, 2 ** 30],
    ['1', '2G', 1000, 2e9],
  ])('%s and %s are amounts', async (cpu, memory, cpuMillis, memoryBytes) => {
    expect(await allocate('dev', cpu, memory)).toBe(true);
    expect((await cluster.client.getWorker('dev')).allocated).toMatchObject({ cpuMillis, memoryBytes });
  });
});

test('D-22: 8 CPU and 16 GB take basics, data and web, and not ML on top', async () => {
  expect(await allocate('lab', 1, '2Gi')).toBe(true);
  expect(await allocate('lab', 2, '4Gi')).toBe(true);
  expect(await allocate('lab', 1.5, '3Gi')).toBe(true);
  const ml = cluster.client.submitTask({ image: IMAGE, worker: 'lab', resources: { cpu: 4, memory: '8Gi' } });
  await expect(ml).rejects.toMatchObject({
    message: 'Insufficient CPU: worker has 3.50 available, task requires 4.00',
  });
});
