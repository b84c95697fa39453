/**
 * Does a scheduler know what it can not know? Two replays that are alike until a moment and differ in everything after
 * it, run times, arrivals and failures, have to be decided alike until that moment.
 */
import type { Replay } from './cluster/record.ts';
import { type ReplayOptions, replay } from './cluster/virtual-cluster.ts';
import { Random } from './random.ts';
import type { Job, Workload } from './workload/job.ts';

export interface Foresight {
  readonly jobId: string;
  /** What was decided before `at`, in the one future and in the other. */
  readonly decided: string;
  readonly otherwise: string;
}

/** The first decision before `atMs` that changes with the future; null if none does. */
export function foresight(workload: Workload, options: ReplayOptions, atMs: number, seed: number): Foresight | null {
  const past = replay(workload, options);
  const other = replay({ ...workload, jobs: otherFuture(workload.jobs, past, atMs, new Random(seed)) }, options);
  const decisions = decidedBefore(past, atMs);
  const others = decidedBefore(other, atMs);
  for (const jobId of new Set([...decisions.keys(), ...others.keys()])) {
    const decided = decisions.get(jobId) ?? 'nothing';
    const otherwise = others.get(jobId) ?? 'nothing';
    if (decided !== otherwise) return { jobId, decided, otherwise };
  }
  return null;
}

/** What had ended by then stays as it was; what still ran goes on for another time, what was to come is other work. */
function otherFuture(jobs: readonly Job[], past: Replay, atMs: number, random: Random): Job[] {
  const scrambled = jobs.map((job, index) => {
    const begun = past.jobs[index]!.runs[0]?.startMs ?? past.jobs[index]!.startMs;
    const end = past.jobs[index]!.endMs;
    if (end !== null && end <= atMs) return job;
    const ranUntilThen = begun === null ? 0 : Math.max(0, atMs - begun);
    const runMs = ranUntilThen + 1 + Math.round(random.exponential(job.runMs + 1_000));
    if (job.submitMs <= atMs) return { ...job, runMs, failures: [] };
    return { ...job, runMs, submitMs: atMs + 1 + Math.round(random.exponential(job.submitMs - atMs)), failures: [] };
  });
  return scrambled.sort((a, b) => a.submitMs - b.submitMs);
}

function decidedBefore(result: Replay, atMs: number): Map<string, string> {
  const decided = new Map<string, string>();
  for (const job of result.jobs) {
    if (job.startMs === null || job.startMs > atMs) continue;
    const [first] = job.runs;
    decided.set(job.jobId, `${first?.workerId} ${first?.gpus.map((share) => share.index).join('-')} at ${job.startMs}`);
  }
  return decided;
}
