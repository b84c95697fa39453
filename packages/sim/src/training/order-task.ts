/** What an order of the queue is trained on: sequences of recorded logs by the published rules, against heuristics. */
import { learnedOrder, ORDER_FEATURES, type OrderModel, orderingPolicy } from '@cloudai/engine';
import { mean } from '../figures/figures.ts';
import { batchFigures, rlsJobs } from '../protocols/batch.ts';
import { scoreBy } from '../protocols/batch-suite.ts';
import { type BatchJob, type BatchScore, runByRlsRules } from '../protocols/rls.ts';
import { Random } from '../random.ts';
import type { TraceFolder } from '../traces/folder.ts';
import type { SwfLog } from '../traces/swf.ts';
import type { TrainingTask } from './task.ts';

const LENGTH = 1024;
/** Arrivals come so many times as fast, drawn for each sequence: what is good depends on the load. */
const LEAST_LOAD = 0.7;
const MOST_LOAD = 1.5;
const HEURISTICS = ['saf', 'f1', 'sjf-predicted'] as const;

export function orderVectorOf(model: OrderModel): number[] {
  return ORDER_FEATURES.map((name) => model.weights[name] ?? 0);
}

export function orderModelOf(vector: readonly number[], version: number): OrderModel {
  const weights = Object.fromEntries(ORDER_FEATURES.map((name, at) => [name, vector[at]!]));
  return { kind: 'order', version, weights };
}

/** The gain is the logarithm of (slowdown of the best heuristic of the log / slowdown of the model). */
export class OrderTask implements TrainingTask {
  readonly #logs: readonly { readonly log: SwfLog; readonly jobs: readonly BatchJob[] }[];
  /** Logarithm of the mean slowdown of a heuristic, by log, heuristic and number. */
  readonly #known = new Map<string, number>();

  constructor(traces: TraceFolder, logs: readonly string[]) {
    this.#logs = logs.map((name) => {
      const log = traces.swf(name);
      return { log, jobs: rlsJobs(log) };
    });
  }

  gains(vector: readonly number[], numbers: readonly number[]): number[] {
    const policy = learnedOrder(orderModelOf(vector, 0));
    return this.#logs.map(({ log, jobs }) => {
      const ours = mean(numbers.map((number) => this.#slowdown(jobs, log, scoreBy(policy, log.processors), number)));
      const best = Math.min(
        ...HEURISTICS.map((name) => mean(numbers.map((number) => this.#heuristic(jobs, log, name, number)))),
      );
      return best - ours;
    });
  }

  #heuristic(jobs: readonly BatchJob[], log: SwfLog, name: (typeof HEURISTICS)[number], number: number): number {
    const key = `${log.name}/${name}/${number}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const found = this.#slowdown(jobs, log, scoreBy(orderingPolicy(name)!, log.processors), number);
    this.#known.set(key, found);
    return found;
  }

  /** A sequence of the log from anywhere, at any load, with backfilling or without. */
  #slowdown(jobs: readonly BatchJob[], log: SwfLog, score: BatchScore, number: number): number {
    const random = new Random(number);
    const length = Math.min(LENGTH, jobs.length);
    const from = random.integer(0, jobs.length - length);
    const load = random.between(LEAST_LOAD, MOST_LOAD);
    const backfill = random.uniform() < 0.5;
    const sequence = jobs.slice(from, from + length).map((job) => ({ ...job, submit: Math.ceil(job.submit / load) }));
    return Math.log(batchFigures(runByRlsRules(sequence, log.processors, score, backfill), log.processors).slowdown);
  }
}
