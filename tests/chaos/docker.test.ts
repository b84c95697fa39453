// kill -9 of a Docker engine with live-restore at random moments: its containers go on, and nobody takes that for a failure.
import { describe, expect, test } from 'vitest';
import { Cluster } from '../e2e/cluster.ts';
import { PrivateEngine } from '../e2e/engine.ts';
import { canMakeNetworks } from '../e2e/network.ts';
import { haunt, summarise } from './nemesis.ts';
import { chance, figure } from './seed.ts';
import { Workload } from './workload.ts';

const KILLS = figure('CLOUDAI_CHAOS_KILLS', 4);
const TASKS = figure('CLOUDAI_CHAOS_TASKS', 24);
const TIMEOUT_MS = 60_000 + TASKS * 800 + KILLS * 6_000;

describe.skipIf(!canMakeNetworks())('an engine of our own', () => {
  test(`up to ${KILLS} kills of dockerd under ${TASKS} tasks lose, repeat and double nothing`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const random = chance(import.meta.filename);
    const engine = await PrivateEngine.start();
    const cluster = new Cluster({ workers: [{ cpu: 2 }], dockerHost: engine.host });
    try {
      await cluster.start();
      const workload = new Workload(cluster, random, TASKS);
      const recoveries = await haunt(workload.run(), {
        random,
        times: KILLS,
        pauseMs: [200, 2500],
        strike: async () => {
          await engine.kill9();
          const begun = performance.now();
          await engine.start();
          return performance.now() - begun;
        },
      });
      const attempts = await workload.check();
      console.log(summarise('kill -9 of dockerd', recoveries));
      console.log(`${workload.acknowledged} tasks acknowledged, ${attempts} attempts`);
      expect(workload.acknowledged).toBe(TASKS);
    } catch (error) {
      console.error(cluster.report());
      throw error;
    } finally {
      await cluster.close().finally(() => engine.close());
    }
  });
});
