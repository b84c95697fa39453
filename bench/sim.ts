// How fast the simulator is: whole replays on the production engine, and packing passes as training runs them.

import { schedulerNames } from '../packages/sim/src/cluster/scheduler.ts';
import { compare } from '../packages/sim/src/compare.ts';
import { SYNTHETIC, synthetic } from '../packages/sim/src/workload/synthetic.ts';
import { printReport, type Row } from './report.ts';

const JOBS = 5_000;
const WORKERS = 50;
const SEED = 7;

const workload = synthetic({ ...SYNTHETIC, jobs: JOBS, workers: WORKERS, load: 1.1, users: 20, seed: SEED });
const rows: Row[] = [];
for (const name of schedulerNames()) {
  const begun = process.cpuUsage();
  const { figures, replays } = await compare({ workload, seed: SEED, timing: 'realistic', schedulers: [name] });
  const { user, system } = process.cpuUsage(begun);
  const seconds = (user + system) / 1_000_000;
  const lasted = figures[0]!.makespanMs / 1000;
  rows.push({
    scheduler: name,
    'jobs/s': JOBS / seconds,
    'times real': lasted / seconds,
    samples: replays[0]!.samples.length,
  });
}
printReport(`${JOBS.toLocaleString('en')} jobs on ${WORKERS} workers with realistic delays, CPU seconds`, rows, [
  `jobs/s: replayed to their end, a CPU second. times real: virtual seconds a CPU second. Seed ${SEED}, one run each.`,
]);
