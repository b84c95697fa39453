import { parseTable } from './csv.ts';
import type { TraceText } from './file.ts';

/** What the authors of FGD measured: percents of the cluster's GPUs. */
export interface PublishedPacking {
  readonly trace: string;
  readonly policy: string;
  readonly seed: number;
  readonly allocation130: number;
  readonly fragmented130: number;
}

export function parsePublishedPacking(source: TraceText): PublishedPacking[] {
  const columns = ['trace', 'policy', 'seed', 'alloc100', 'alloc130', 'fragTotal130', 'fragIdle130'];
  return parseTable(source, columns).map((row) => ({
    trace: row.name('trace'),
    policy: row.name('policy'),
    seed: row.integer('seed'),
    allocation130: row.number('alloc130'),
    fragmented130: row.number('fragTotal130'),
  }));
}

/** A row of the table of RLScheduler's authors: mean over ten sequences, by column. */
export interface PublishedBatch {
  readonly trace: string;
  /** `none` or `backfill`. */
  readonly mode: string;
  /** `bsld` or `util`. */
  readonly metric: string;
  readonly values: Readonly<Record<string, number>>;
}

const BATCH_COLUMNS = ['fcfs', 'wfp3', 'unicep', 'sjf', 'f1', 'rl'];

export function parsePublishedBatch(source: TraceText): PublishedBatch[] {
  return parseTable(source, ['trace', 'mode', 'metric', ...BATCH_COLUMNS]).map((row) => ({
    trace: row.name('trace'),
    mode: row.name('mode'),
    metric: row.name('metric'),
    values: Object.fromEntries(BATCH_COLUMNS.map((name) => [name, row.number(name)])),
  }));
}
