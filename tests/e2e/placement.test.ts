// Two hundred tasks of mixed size over two workers: all end well, and at no moment does a worker hold more than it has.
import type { TaskSubmission } from '@cloudai/sdk';
import { afterAll, describe, expect, test } from 'vitest';
import { checkNothingAllocated, checkTimeline, waitForAll, watchCapacity } from './checks.ts';
import { IMAGE } from './cluster.ts';
import { canMakeNetworks, networkNamespaceOf, TestNetwork } from './network.ts';
import { useCluster } from './use-cluster.ts';

const TASKS = 200;
const CPU = ['250m', '0.5', 1, 2, '1500m'];
const MEMORY = ['16Mi', '32Mi', '64Mi', '128Mi', '0.5Gi', '96Mi', '1Gi'];

describe.skipIf(!canMakeNetworks())('two workers in network namespaces with addresses of their own', () => {
  const network = new TestNetwork(2);
  // Hooks run in reverse order: the network goes last.
  afterAll(() => network.close());
  const [first, second] = network.hosts as [(typeof network.hosts)[0], (typeof network.hosts)[0]];
  const cluster = useCluster({
    workerAddress: network.gateway,
    workers: [
      { id: 'east', cpu: 4, memory: '3Gi', host: first },
      { id: 'west', cpu: 2, memory: '2Gi', host: second },
    ],
  });

  test('each is known by the address it connects from', async () => {
    const workers = await cluster.workers();
    expect(workers.get('east')!.remoteAddress).toContain(first.address);
    expect(workers.get('west')!.remoteAddress).toContain(second.address);
    expect(networkNamespaceOf(cluster.worker('east').pid)).not.toBe(networkNamespaceOf('self'));
  });

  test(`${TASKS} tasks of mixed size complete, and nothing is held at the end`, async () => {
    const watch = watchCapacity(cluster.client);
    const { taskIds } = await cluster.client.submitJob({ tasks: mixedTasks(TASKS) });
    const tasks = await waitForAll(cluster.client, taskIds);
    const { samples, peakCpuMillis } = await watch.stop();
    expect(tasks.filter(({ state }) => state !== 'completed')).toEqual([]);
    expect(new Set(tasks.map(({ worker }) => worker))).toEqual(new Set(['east', 'west']));
    expect(samples).toBeGreaterThan(50);
    // Both were really filled, so the bound was put to the test.
    expect(peakCpuMillis.get('east')).toBeGreaterThanOrEqual(3000);
    expect(peakCpuMillis.get('west')).toBeGreaterThanOrEqual(1500);
    await checkNothingAllocated(cluster.client);
    await checkTimeline(cluster.client, taskIds);
    await cluster.run('fsck', '--data', cluster.masterFolder);
  });
});

function mixedTasks(count: number): TaskSubmission[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `mixed-${index}`,
    image: IMAGE,
    command: `echo ${index}`,
    priority: index % 7 === 0 ? 90 : 50,
    resources: { cpu: CPU[index % CPU.length]!, memory: MEMORY[index % MEMORY.length]!, storage: '64Mi' },
  }));
}
