// One master and 500 workers over real gRPC and TLS on this machine: what they cost at rest, and 10,000 tasks through them.
import { Cluster } from '../tests/e2e/cluster.ts';
import { until } from '../tests/e2e/wait.ts';
import { printReport, type Row, usageOf } from './report.ts';
import { startScriptedWorkers, stopScriptedWorkers } from './scripted-workers.ts';

const WORKERS = Number(process.env.FARM_WORKERS ?? 500);
const TASKS = Number(process.env.FARM_TASKS ?? 10_000);
const BATCH = 1_000;
const REST_MS = 10_000;
const MIB = 2 ** 20;

// The figures of a real cluster, not the short ones of the tests.
const cluster = new Cluster({
  workers: [],
  config: {
    workers: { heartbeat: '5s' },
    liveness: { suspect: '12s', lost: '30s', startGrace: '60s' },
    retries: { backoff: '1s' },
  },
});
try {
  await cluster.start();
  const rows: Row[] = [];
  rows.push(await measure('no workers, at rest', () => pause(REST_MS)));
  let child: Awaited<ReturnType<typeof startScriptedWorkers>> | undefined;
  rows.push(
    await measure(`${WORKERS} workers join`, async () => {
      child = await startScriptedWorkers(cluster, WORKERS, 4);
      await until(async () => ((await cluster.client.getCluster()).workers.active ?? 0) === WORKERS, {
        what: 'all workers to be active',
        withinMs: 120_000,
      });
    }),
  );
  rows.push(await measure(`${WORKERS} workers, at rest`, () => pause(REST_MS)));
  const through = await measure(`${TASKS} tasks through them`, runTasks);
  rows.push(through);
  const seconds = Number(through.s);
  printReport(`A farm of ${WORKERS} workers`, rows, [
    `${(TASKS / seconds).toFixed(0)} tasks/s from the first submit to the last end; each task is submitted, placed, started, reported`,
    'three times and acknowledged, and changes the store at every step. The workers share the machine with the master.',
  ]);
  if (child !== undefined) await stopScriptedWorkers(child);
} finally {
  await cluster.close();
}

async function runTasks(): Promise<void> {
  const task = {
    image: 'scripted',
    env: { CLOUDAI_SCRIPT: 'sleep=50' },
    resources: { cpu: 1, memory: '256Mi', storage: '16Mi' },
  };
  for (let sent = 0; sent < TASKS; sent += BATCH) {
    await cluster.client.submitJob({ tasks: Array.from({ length: Math.min(BATCH, TASKS - sent) }, () => task) });
  }
  await until(async () => ((await cluster.client.getCluster()).tasks.completed ?? 0) === TASKS, {
    what: 'every task to complete',
    withinMs: 300_000,
    pollMs: 100,
  });
}

async function measure(what: string, body: () => Promise<void>): Promise<Row> {
  const before = usageOf(cluster.master.pid);
  const begun = performance.now();
  await body();
  const ms = performance.now() - begun;
  const after = usageOf(cluster.master.pid);
  const cpuMs = after.cpuMs - before.cpuMs;
  return {
    what,
    s: ms / 1000,
    'master CPU s': cpuMs / 1000,
    'master CPU, % of a core': (100 * cpuMs) / ms,
    'master RSS MiB': after.rssBytes / MIB,
    'more RSS than before, MiB': (after.rssBytes - before.rssBytes) / MIB,
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
