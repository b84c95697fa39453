// kill -9 of the workers' processes at random moments: their containers go on and are adopted.
import { expect, test } from 'vitest';
import { BACK_WITHIN_MS } from '../e2e/cluster.ts';
import { useCluster } from '../e2e/use-cluster.ts';
import { haunt, summarise } from './nemesis.ts';
import { chance, figure } from './seed.ts';
import { Workload } from './workload.ts';

const KILLS = figure('CLOUDAI_CHAOS_KILLS', 8);
const TASKS = figure('CLOUDAI_CHAOS_TASKS', 60);
const TIMEOUT_MS = 60_000 + TASKS * 600 + KILLS * 4_000;

// A restart on a busy machine must not look like a loss: then tasks would run again, rightly.
const cluster = useCluster({
  workers: [{ cpu: 2 }, { cpu: 2 }],
  config: { liveness: { suspect: '5s', lost: '30s', startGrace: '30s' } },
});

test(`up to ${KILLS} kills of workers under ${TASKS} tasks lose, repeat and double nothing`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const random = chance(import.meta.filename);
  const workload = new Workload(cluster, random, TASKS);
  const recoveries = await haunt(workload.run(), {
    random,
    times: KILLS,
    pauseMs: [20, 800],
    strike: () => cluster.restartWorker(cluster.workerIds[random.integer(0, 2)]!, 'kill9'),
  });
  const { attempts, lost } = await workload.check();
  console.log(summarise('kill -9 of a worker', recoveries));
  console.log(`${workload.acknowledged} tasks acknowledged, ${attempts} attempts`);
  expect(workload.acknowledged).toBe(TASKS);
  expect(lost).toEqual([]);
  expect(recoveries.length).toBeGreaterThan(KILLS / 4);
  expect(Math.max(...recoveries)).toBeLessThan(BACK_WITHIN_MS);
});
