import type { JobRecord, Replay, Sample } from '../cluster/record.ts';

/** What a replay comes down to. Times in ms, shares from 0 to 1. */
export interface Figures {
  readonly scheduler: string;
  readonly jobs: number;
  readonly completed: number;
  /** From the first submit to the last end. */
  readonly makespanMs: number;
  /** From submit to first start. */
  readonly meanWaitMs: number;
  readonly medianWaitMs: number;
  readonly p95WaitMs: number;
  readonly p99WaitMs: number;
  readonly longestWaitMs: number;
  /** Mean of max(1, (wait + run) / max(run, 10 s)). */
  readonly meanSlowdown: number;
  /** From submit to end. */
  readonly meanCompletionMs: number;
  /** Mean over time and workers of the allocated part of CPU, memory and GPU. */
  readonly utilisation: number;
  /** The same from the time a tenth of the jobs has come until nine tenths have: neither warm-up nor drain. */
  readonly steadyUtilisation: number;
  readonly cpuUtilisation: number;
  /** Null without GPUs. */
  readonly gpuUtilisation: number | null;
  /** Mean over time of the variance of the load over the workers. */
  readonly loadVariance: number;
  readonly throughputPerHour: number;
  /** Jobs that waited for longer than ten mean run times, or never started. */
  readonly starved: number;
  /** Jain's index over the mean slowdowns of the users: 1 when all are served alike. */
  readonly fairness: number;
  readonly retries: number;
}

/** Runs shorter than this count as this long, or jobs of a second would rule the mean. */
export const SLOWDOWN_BOUND_MS = 10_000;
const STARVED_MEAN_RUNS = 10;

export function figuresOf(replay: Replay): Figures {
  const { jobs, samples } = replay;
  const begin = jobs[0]?.submitMs ?? 0;
  const end = jobs.reduce((latest, job) => Math.max(latest, job.endMs ?? 0), begin);
  const waits = jobs.map((job) => waitOf(job, end)).sort((a, b) => a - b);
  const meanRun = mean(jobs.map(runOf));
  const span = Math.max(1, end - begin);
  const { cpuMillis, gpuMillis } = replay.capacity;
  const [steadyFrom, steadyTo] = [jobs[Math.floor(jobs.length * 0.1)], jobs[Math.floor(jobs.length * 0.9)]];
  return {
    scheduler: replay.scheduler,
    jobs: jobs.length,
    completed: jobs.filter((job) => job.completed).length,
    makespanMs: end - begin,
    meanWaitMs: mean(waits),
    medianWaitMs: quantile(waits, 0.5),
    p95WaitMs: quantile(waits, 0.95),
    p99WaitMs: quantile(waits, 0.99),
    longestWaitMs: waits.at(-1) ?? 0,
    meanSlowdown: mean(jobs.map((job) => slowdownOf(job, end))),
    meanCompletionMs: mean(jobs.map((job) => (job.endMs ?? end) - job.submitMs)),
    utilisation: overTime(samples, begin, end, (sample) => sample.loadMean),
    steadyUtilisation: overTime(samples, steadyFrom?.submitMs ?? begin, steadyTo?.submitMs ?? end, (s) => s.loadMean),
    cpuUtilisation: overTime(samples, begin, end, (sample) => sample.cpuMillis) / Math.max(1, cpuMillis),
    gpuUtilisation: gpuMillis === 0 ? null : overTime(samples, begin, end, (sample) => sample.gpuMillis) / gpuMillis,
    loadVariance: overTime(samples, begin, end, (sample) => sample.loadVariance),
    throughputPerHour: (jobs.filter((job) => job.completed).length * 3_600_000) / span,
    starved: jobs.filter((job) => job.startMs === null || waitOf(job, end) > STARVED_MEAN_RUNS * meanRun).length,
    fairness: jain([...slowdownsByUser(replay).values()]),
    retries: jobs.reduce((sum, job) => sum + Math.max(0, job.runs.length - 1), 0),
  };
}

/** Mean slowdown of each user's jobs, by name. */
export function slowdownsByUser({ jobs }: Replay): ReadonlyMap<string, number> {
  const end = jobs.reduce((latest, job) => Math.max(latest, job.endMs ?? 0), 0);
  const byUser = new Map<string, number[]>();
  for (const job of jobs) {
    const known = byUser.get(job.user);
    if (known === undefined) byUser.set(job.user, [slowdownOf(job, end)]);
    else known.push(slowdownOf(job, end));
  }
  return new Map([...byUser].sort(([a], [b]) => (a < b ? -1 : 1)).map(([user, all]) => [user, mean(all)]));
}

/** A job that never started has waited until the end. */
export function waitOf(job: JobRecord, end: number): number {
  return (job.startMs ?? end) - job.submitMs;
}

export function slowdownOf(job: JobRecord, end: number): number {
  const run = runOf(job);
  return Math.max(1, (waitOf(job, end) + run) / Math.max(run, SLOWDOWN_BOUND_MS));
}

function runOf(job: JobRecord): number {
  const last = job.runs.at(-1);
  return last === undefined ? 0 : last.endMs - last.startMs;
}

export function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Of ascending values, the nearest rank. */
export function quantile(ascending: readonly number[], share: number): number {
  if (ascending.length === 0) return 0;
  return ascending[Math.min(ascending.length - 1, Math.ceil(share * ascending.length) - 1)]!;
}

export function jain(values: readonly number[]): number {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

/** The mean over [from, to) of what holds from each sample until the next. */
export function overTime(
  samples: readonly Sample[],
  from: number,
  to: number,
  value: (sample: Sample) => number,
): number {
  if (to <= from) return 0;
  let area = 0;
  for (let at = 0; at < samples.length; at++) {
    const begin = Math.max(from, samples[at]!.at);
    const end = Math.min(to, samples[at + 1]?.at ?? to);
    if (end > begin) area += value(samples[at]!) * (end - begin);
  }
  return area / (to - from);
}

/** Means over `count` equal parts of [from, to): what a chart of a long replay can show. */
export function resample(
  samples: readonly Sample[],
  from: number,
  to: number,
  count: number,
  value: (sample: Sample) => number,
): Float64Array {
  const areas = new Float64Array(count);
  const width = Math.max(1e-9, (to - from) / count);
  for (let at = 0; at < samples.length; at++) {
    const begin = Math.max(from, samples[at]!.at);
    const end = Math.min(to, samples[at + 1]?.at ?? to);
    if (end <= begin) continue;
    const height = value(samples[at]!);
    const last = Math.min(count - 1, Math.floor((end - from) / width));
    for (let part = Math.floor((begin - from) / width); part <= last; part++) {
      const overlap = Math.min(end, from + (part + 1) * width) - Math.max(begin, from + part * width);
      if (overlap > 0) areas[part] = areas[part]! + height * overlap;
    }
  }
  return areas.map((area) => area / width);
}
