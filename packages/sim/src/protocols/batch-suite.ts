import { type OrderedTask, type OrderingPolicy, orderingPolicies, orderingPolicy } from '@cloudai/engine';
import { scheduler } from '../cluster/scheduler.ts';
import { IDEAL } from '../cluster/timing.ts';
import { replay } from '../cluster/virtual-cluster.ts';
import { mean } from '../figures/figures.ts';
import { alignedTable, csvField } from '../report/columns.ts';
import type { TraceFolder } from '../traces/folder.ts';
import type { SwfLog } from '../traces/swf.ts';
import { batchWorkload } from '../workload/recorded.ts';
import { type BatchFigures, batchFigures, batchLog, RLS_LENGTH, rlsJobs, rlsSequences } from './batch.ts';
import { type BatchJob, type BatchScore, type BatchStart, runByRlsRules } from './rls.ts';

export interface BatchSuiteOptions {
  readonly traces: TraceFolder;
  readonly logs: readonly string[];
  readonly orders: readonly string[];
  /**
   * rls   the rules of RLScheduler's environment: the chosen job is waited for
   * free  the production engine: the queue is ordered anew whenever something ends or comes
   */
  readonly rules: 'rls' | 'free';
  readonly backfill: boolean;
  /** The whole log instead of the ten sequences. */
  readonly whole: boolean;
  /** Longest wait before a job goes first, in seconds; null: none. Only for `free`. */
  readonly starvationSeconds: number | null;
  readonly onLog?: (log: string, order: string, text: string) => void;
  readonly onProgress?: (what: string, share: number) => void;
}

/** One log and order; means over the sequences. */
export interface BatchResult extends BatchFigures {
  readonly log: string;
  readonly order: string;
  /** Mean bounded slowdown of each sequence. */
  readonly sequences: readonly number[];
  /** What RLScheduler's authors published; null where they did not. */
  readonly published: number | null;
}

export interface BatchSuite {
  readonly results: readonly BatchResult[];
  readonly table: string;
  readonly csv: string;
}

/** `wfp3` and `unicep` as the published build computed them: with a waiting time of −1 − submit. */
const PUBLISHED_BUILD = ['wfp3-published', 'unicep-published'] as const;
export const BATCH_ORDERS = ['fifo', 'wfp3', 'unicep', 'sjf-predicted', 'f1', 'saf'] as const;

/** Our names of published columns. Those of WFP3 and UNICEP are of the build with the wrong waiting time. */
const COLUMNS: Readonly<Record<string, string>> = {
  fifo: 'fcfs',
  'wfp3-published': 'wfp3',
  'unicep-published': 'unicep',
  'sjf-predicted': 'sjf',
  f1: 'f1',
};

export async function batchSuite(options: BatchSuiteOptions): Promise<BatchSuite> {
  const { traces, logs, rules, backfill, whole, onProgress } = options;
  const published = traces.publishedBatch();
  const results: BatchResult[] = [];
  const orders = options.orders.flatMap((order) => withPublishedBuild(order, rules));
  for (const [index, name] of logs.entries()) {
    const log = traces.swf(name);
    const jobs = rlsJobs(log);
    const sequences = whole ? [jobs] : rlsSequences(jobs);
    for (const [at, order] of orders.entries()) {
      onProgress?.(`${name}, ${order}`, (index + at / orders.length) / logs.length);
      await new Promise(setImmediate);
      const runs = sequences.map((sequence) => runOne(sequence, log, order, options));
      options.onLog?.(name, order, batchLog(runs, aboutLog(options, log, order)));
      const figures = runs.map((run) => batchFigures(run, log.processors));
      const mode = backfill ? 'backfill' : 'none';
      const row = published.find(
        (one) => one.trace.toLowerCase() === name && one.mode === mode && one.metric === 'bsld',
      );
      results.push({
        log: name,
        order,
        slowdown: mean(figures.map((one) => one.slowdown)),
        utilisation: mean(figures.map((one) => one.utilisation)),
        meanWait: mean(figures.map((one) => one.meanWait)),
        longestWait: Math.max(...figures.map((one) => one.longestWait)),
        sequences: figures.map((one) => one.slowdown),
        published: rules === 'rls' && !whole ? (row?.values[COLUMNS[order] ?? ''] ?? null) : null,
      });
    }
  }
  return { results, table: tableOf(results), csv: csvOf(results) };
}

function withPublishedBuild(order: string, rules: BatchSuiteOptions['rules']): string[] {
  if (orderingPolicy(order) === null)
    throw new RangeError(
      `There is no order ${order}; there are ${orderingPolicies()
        .map(({ name }) => name)
        .join(', ')}.`,
    );
  const build = PUBLISHED_BUILD.find((name) => name === `${order}-published`);
  return build !== undefined && rules === 'rls' ? [order, build] : [order];
}

function runOne(jobs: readonly BatchJob[], log: SwfLog, order: string, options: BatchSuiteOptions): BatchStart[] {
  if (options.rules === 'free') return runFreely(jobs, log, order, options);
  const build = order.endsWith('-published');
  const policy = orderingPolicy(build ? order.slice(0, -'-published'.length) : order)!;
  const score = scoreBy(policy, log.processors);
  return runByRlsRules(jobs, log.processors, build ? (job) => score(job, -1) : score, options.backfill);
}

/** An order of the engine, asked about a job of a log in the clock of the log. */
export function scoreBy(policy: OrderingPolicy, processors: number): BatchScore {
  const score = policy.prepare({ usageOf: () => 0, ageingSeconds: null, largestShare: 1 });
  return (job, now) => score(orderedTask(job, now, processors));
}

function orderedTask(job: BatchJob, now: number, processors: number): OrderedTask {
  return {
    request: { cpuMillis: job.processors * 1000, memoryBytes: 0, storageBytes: 0, gpuMillis: 0, custom: {} },
    processors: job.processors,
    dominantShare: job.processors / processors,
    expectedSeconds: job.requestedTime,
    waitSeconds: now - job.submit,
    submitSeconds: job.submit,
    priority: 50,
    deadlineInSeconds: Number.POSITIVE_INFINITY,
    owner: job.user === null ? 'unknown' : `user-${job.user}`,
    namespace: 'default',
  };
}

function runFreely(
  jobs: readonly BatchJob[],
  log: SwfLog,
  order: string,
  { backfill, starvationSeconds }: BatchSuiteOptions,
): BatchStart[] {
  const starvationMs = starvationSeconds === null ? null : starvationSeconds * 1000;
  const { jobs: records } = replay(batchWorkload(log.name, log.processors, jobs), {
    scheduler: scheduler(`best-fit/${order}/${backfill ? 'easy' : 'strict'}`, { starvationMs }),
    timing: IDEAL,
  });
  return records.map((record, index) => ({ job: jobs[index]!, start: record.startMs! / 1000 }));
}

function aboutLog(options: BatchSuiteOptions, log: SwfLog, order: string): Record<string, string | number> {
  const { rules, backfill, whole } = options;
  return {
    ...{ log: log.name, order, rules, backfill: backfill ? 'yes' : 'no', procs: log.processors },
    ...{ len: whole ? 0 : RLS_LENGTH, iters: whole ? 1 : 10, seed: 1, slice: 0, clean: 'rls', load: 1 },
  };
}

function tableOf(results: readonly BatchResult[]): string {
  const rows = results.map((one) => [
    one.log,
    one.order,
    one.slowdown.toFixed(2),
    one.published?.toFixed(2) ?? '',
    one.utilisation.toFixed(3),
    one.meanWait.toFixed(0),
    one.longestWait.toFixed(0),
  ]);
  const header = ['LOG', 'ORDER', 'SLOWDOWN', 'PUBLISHED', 'UTILISATION', 'MEAN WAIT s', 'LONGEST s'];
  return alignedTable([header, ...rows]);
}

function csvOf(results: readonly BatchResult[]): string {
  const lines = results.flatMap(({ log, order, sequences }) =>
    sequences.map((slowdown, seq) => [log, order, seq, slowdown].map(csvField).join(',')),
  );
  return `${['log,order,seq,slowdown', ...lines].join('\n')}\n`;
}
