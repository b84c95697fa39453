import type { Outage } from '../cluster/timing.ts';
import { Random } from '../random.ts';
import type { Workload } from './job.ts';

/** How long a worker is away, in parts of the time over which jobs arrive: a reboot, or a repair. */
const SHORTEST = 0.01;
const LONGEST = 0.15;
/** Of outages that the network alone makes: containers go on. */
const PARTITIONS = 0.3;
/** Trouble seldom comes alone: workers in one rack or of one image go together. */
const TOGETHER = 0.4;
const TOGETHER_MS = 5_000;
/** What is over before anybody misses the worker is no outage. */
const LEAST_MS = 35_000;

/** So many outages while jobs arrive, in bunches; a worker is away once at a time. */
export function madeOutages({ workers, jobs }: Workload, count: number, seed: number): Outage[] {
  const random = new Random(seed).fork(77);
  const span = Math.max(60_000, jobs.at(-1)?.submitMs ?? 0);
  const outages: Outage[] = [];
  let at = 0;
  // Bounded: with few workers that are all away, further outages are left out.
  for (let tries = 0; outages.length < count && tries < 100 * count; tries++) {
    at =
      outages.length > 0 && random.uniform() < TOGETHER ? at + random.between(0, TOGETHER_MS) : random.between(0, span);
    const worker = random.pick(workers);
    const fromMs = Math.round(at);
    const toMs = fromMs + Math.round(Math.max(LEAST_MS, span * random.between(SHORTEST, LONGEST)));
    if (outages.some((one) => overlaps(one, worker.id, fromMs, toMs))) continue;
    outages.push({ workerId: worker.id, fromMs, toMs, partition: random.uniform() < PARTITIONS });
  }
  return outages.sort((a, b) => a.fromMs - b.fromMs);
}

function overlaps(outage: Outage, workerId: string, fromMs: number, toMs: number): boolean {
  return outage.workerId === workerId && outage.fromMs <= toMs && fromMs <= outage.toMs;
}
