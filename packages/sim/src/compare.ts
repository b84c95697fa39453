import type { Replay } from './cluster/record.ts';
import { type Scheduler, scheduler, schedulerNames } from './cluster/scheduler.ts';
import { IDEAL, type Outage, REALISTIC } from './cluster/timing.ts';
import { replay } from './cluster/virtual-cluster.ts';
import { type Figures, figuresOf } from './figures/figures.ts';
import { sourceCommit } from './provenance.ts';
import { figureCsv, figureTable } from './report/columns.ts';
import { comparisonPage } from './report/comparison.ts';
import type { Workload } from './workload/job.ts';

export interface CompareOptions {
  readonly workload: Workload;
  /** All that decide by themselves unless some are named. */
  readonly schedulers?: readonly string[];
  readonly seed: number;
  /** With the delays of a real cluster, or decisions that take effect at once. */
  readonly timing: 'realistic' | 'ideal';
  readonly outages?: readonly Outage[];
  /** Longest wait before a job goes ahead of all others, ms; null: none; left out: as a new cluster has it. */
  readonly starvationMs?: number | null;
  /** A step of the engine that takes longer is told of; real time, ms. */
  readonly slowStepMs?: number;
  /** Told between schedulers and within each. */
  readonly onProgress?: (what: string, share: number) => void;
  readonly clock?: () => number;
}

export interface Comparison {
  readonly figures: readonly Figures[];
  readonly replays: readonly Replay[];
  readonly table: string;
  readonly csv: string;
  readonly html: string;
  /** What somebody should know who chooses by these figures. */
  readonly warnings: readonly string[];
}

/** A second for one step of the live master would hold up everybody. */
const SLOW_STEP_MS = 1_000;

/** Replays one workload through each scheduler. Lets other work go on between them. */
export async function compare(options: CompareOptions): Promise<Comparison> {
  const { workload, seed } = options;
  const choices = (options.schedulers ?? schedulerNames()).map((name) =>
    scheduler(name, options.starvationMs === undefined ? {} : { starvationMs: options.starvationMs }),
  );
  const replays: Replay[] = [];
  for (const [index, choice] of choices.entries()) {
    const { onProgress } = options;
    const done = (share: number) => onProgress?.(choice.name, (index + share) / choices.length);
    done(0);
    await new Promise(setImmediate);
    replays.push(replayOnce(choice, options, done));
  }
  const figures = replays.map(figuresOf);
  return {
    figures,
    replays,
    table: figureTable(figures),
    csv: figureCsv(figures),
    html: comparisonPage(`Schedulers on ${workload.name}`, facts(options), replays),
    warnings: replays.flatMap((one, index) => warningsOf(one, figures[index]!, options.slowStepMs ?? SLOW_STEP_MS)),
  };

  function facts({ timing }: CompareOptions): [string, string][] {
    return [
      ['workload', `${workload.name}: ${workload.jobs.length} jobs on ${workload.workers.length} workers`],
      ['delays', timing === 'ideal' ? 'none' : 'dispatch, image pull, container start, reports'],
      ['outages', String(options.outages?.length ?? 0)],
      ['seed', String(seed)],
      ['commit', sourceCommit() ?? 'unknown'],
    ];
  }
}

function replayOnce(choice: Scheduler, options: CompareOptions, onProgress: (share: number) => void): Replay {
  const { workload, seed, timing, outages, clock } = options;
  return replay(workload, {
    scheduler: choice,
    seed,
    timing: timing === 'ideal' ? IDEAL : REALISTIC,
    onProgress,
    ...(outages === undefined ? {} : { outages }),
    ...(clock === undefined ? {} : { clock }),
  });
}

function warningsOf({ scheduler: name, decisions }: Replay, figures: Figures, slowMs: number): string[] {
  const warnings: string[] = [];
  if (decisions.longestMs > slowMs)
    warnings.push(`${name} took ${Math.round(decisions.longestMs)} ms for one step, more than ${slowMs} ms.`);
  if (figures.completed < figures.jobs)
    warnings.push(`${name} left ${figures.jobs - figures.completed} of ${figures.jobs} jobs undone.`);
  return warnings;
}
