/** Sequences of batch logs as the published experiments cut them, their figures and decision logs. */
import type { SwfLog } from '../traces/swf.ts';
import { cleanJobs } from '../workload/recorded.ts';
import type { BatchJob, BatchStart } from './rls.ts';

/** Where RLScheduler's test sequences begin (seed 1), jobs counted from 0. */
export const RLS_STARTS = [1981, 2756, 4299, 8850, 3316, 2714, 5228, 7762, 4022, 7085];
export const RLS_LENGTH = 1024;

/** A log without requested times shows its run times, to every policy alike. */
export function rlsJobs(log: SwfLog): BatchJob[] {
  return cleanJobs(log, { clean: 'rls', cut: false }).map((job) => ({
    number: job.number,
    submit: job.submit,
    run: job.run,
    processors: job.processors,
    requestedTime: job.requestedTime ?? job.run,
    user: job.user,
  }));
}

/** The ten sequences. Throws when the log is too short for them. */
export function rlsSequences(jobs: readonly BatchJob[]): BatchJob[][] {
  return RLS_STARTS.map((start) => {
    if (start + RLS_LENGTH > jobs.length)
      throw new RangeError(`the log has ${jobs.length} jobs, the sequences need ${start + RLS_LENGTH}`);
    return jobs.slice(start, start + RLS_LENGTH);
  });
}

export interface BatchFigures {
  /** Mean of max(1, (wait + run) / max(run, 10 s)). */
  readonly slowdown: number;
  /** Of the processors, from the first submit to the last start. */
  readonly utilisation: number;
  readonly meanWait: number;
  readonly longestWait: number;
}

const SLOWDOWN_BOUND = 10;

export function batchFigures(starts: readonly BatchStart[], processors: number): BatchFigures {
  let slowdown = 0;
  let waits = 0;
  let longestWait = 0;
  let work = 0;
  let from = Number.POSITIVE_INFINITY;
  let to = 0;
  for (const { job, start } of starts) {
    const wait = start - job.submit;
    slowdown += Math.max(1, (wait + job.run) / Math.max(job.run, SLOWDOWN_BOUND));
    waits += wait;
    longestWait = Math.max(longestWait, wait);
    work += job.run * job.processors;
    from = Math.min(from, job.submit);
    to = Math.max(to, start);
  }
  return {
    slowdown: slowdown / starts.length,
    utilisation: work / ((to - from) * processors),
    meanWait: waits / starts.length,
    longestWait,
  };
}

/** The decision log of all sequences; `about` is what a reader has to know to check it. */
export function batchLog(
  sequences: readonly (readonly BatchStart[])[],
  about: Readonly<Record<string, string | number>>,
): string {
  const facts = Object.entries(about).map(([name, value]) => `${name}=${value}`);
  const lines = sequences.flatMap((starts, seq) =>
    starts.toSorted((a, b) => a.job.number - b.job.number).map(({ job, start }) => `${seq},${job.number},${start}`),
  );
  return `${[`# ${facts.join(' ')}`, 'seq,job,start', ...lines].join('\n')}\n`;
}
