// kill -9 of a Docker engine with live-restore at random moments: its containers go on, and nobody takes that for a failure.
// What Docker itself can not do: the end of the output of a container that ends while its engine is down is gone with the
// container's pipe, and now and then its exit code, too. The first has to be said, the second to be tried again. And an
// engine that is killed within a start may not know of the process it has started, and start a second one when asked again
// (seen with engine 20.10, without CloudAI, in one of fifty): the log of such an attempt is not looked at.
import fs from 'node:fs';
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
      const workload = new Workload(cluster, random, TASKS, 0);
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
      const { attempts, lost, cut } = await workload.check({
        tailMayMiss: true,
        unsureLogs: interruptedStarts(cluster),
      });
      console.log(summarise('kill -9 of dockerd', recoveries));
      console.log(
        `${workload.acknowledged} tasks acknowledged, ${attempts} attempts, ${cut} logs without their end\n${lost.join('\n')}`,
      );
      expect(workload.acknowledged).toBe(TASKS);
      const ran = lost.filter((attempt) => attempt.includes('while it ran'));
      expect(ran.filter((attempt) => !attempt.includes('daemon_restart'))).toEqual([]);
    } catch (error) {
      console.error(cluster.report());
      throw error;
    } finally {
      try {
        await cluster.close();
      } finally {
        await engine.close();
      }
    }
  });
});

/** Attempts whose start had no answer, by the worker's own account. */
function interruptedStarts(cluster: Cluster): Set<string> {
  const lines = fs.readFileSync(cluster.worker('worker-1').logFile, 'utf8').split('\n');
  const told = lines.filter((line) => line.includes('the start has no answer'));
  return new Set(told.map((line) => (JSON.parse(line) as { attempt: string }).attempt));
}
