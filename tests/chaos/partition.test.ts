// Cables pulled at random, some for longer than a worker may be silent: tasks run again elsewhere, whoever comes back late
// is told to stop, and one result counts.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { canMakeNetworks, TestNetwork } from '../e2e/network.ts';
import { useCluster } from '../e2e/use-cluster.ts';
import { haunt, summarise } from './nemesis.ts';
import { chance, figure } from './seed.ts';
import { Workload } from './workload.ts';

const CUTS = figure('CLOUDAI_CHAOS_KILLS', 6);
const TASKS = figure('CLOUDAI_CHAOS_TASKS', 40);
const LOST_MS = 5_000;
const TIMEOUT_MS = 90_000 + TASKS * 1_000 + CUTS * 12_000;

describe.skipIf(!canMakeNetworks())('two workers behind cables', () => {
  const network = new TestNetwork(2);
  // Hooks run in reverse order: the network goes last.
  afterAll(() => network.close());
  const cluster = useCluster({
    workerAddress: network.gateway,
    workers: network.hosts.map((host) => ({ cpu: 2, host })),
    config: { liveness: { suspect: '2s', lost: `${LOST_MS}ms`, startGrace: '0s' }, retries: { infrastructure: 50 } },
  });

  test(`up to ${CUTS} cuts under ${TASKS} tasks lose and double nothing`, { timeout: TIMEOUT_MS }, async () => {
    const random = chance(import.meta.filename);
    const workload = new Workload(cluster, random, TASKS, 0);
    const cuts = await haunt(workload.run(), {
      random,
      times: CUTS,
      pauseMs: [200, 2500],
      strike: async () => {
        const host = network.hosts[random.integer(0, 2)]!;
        const begun = performance.now();
        network.plug(host, false);
        await sleep(random.between(300, 1.6 * LOST_MS));
        network.plug(host, true);
        return performance.now() - begun;
      },
    });
    const { attempts, lost } = await workload.check();
    console.log(summarise('a cable was pulled', cuts));
    console.log(`${workload.acknowledged} tasks acknowledged, ${attempts} attempts\n${lost.join('\n')}`);
    expect(workload.acknowledged).toBe(TASKS);
  });
});
