/**
 * Where a task goes. A policy is a pure function of the request and the workers as they stand; it proposes, the fit
 * predicate and the commit decide. It never sees what a task will do, only what it asks for.
 */
import type { Ledger } from '../model/ledger.ts';
import type { Resources } from '../model/resources.ts';
import type { Worker } from '../model/worker.ts';
import type { RoomTable } from './room-table.ts';
import type { RiskParameters } from './rts-parameters.ts';

/** A worker with what is free on it. */
export interface WorkerRoom {
  readonly worker: Worker;
  readonly ledger: Ledger;
}

export type PlacementPolicy = ScoringPolicy | CyclingPolicy | DrawingPolicy;

/** Takes the worker with the best score; ties go to the smaller worker id. */
export interface ScoringPolicy extends PolicyCard {
  readonly kind: 'scoring';
  /**
   * Called once per pass with every worker that takes work; the table follows the placements of the pass. The place
   * for figures of the whole cluster.
   */
  prepare(table: RoomTable, knowledge?: Knowledge): Scorer;
}

/** Takes the first worker with room after the one chosen last, in the order of ids. */
export interface CyclingPolicy extends PolicyCard {
  readonly kind: 'cycling';
}

/** Draws one of the workers with room, by the seed of the pass. */
export interface DrawingPolicy extends PolicyCard {
  readonly kind: 'drawing';
}

export interface PolicyCard {
  readonly name: string;
  /** Grows when the same cluster and tasks may be placed differently than before; kept with every placement. */
  readonly version: number;
  /** One sentence for people who choose a policy. */
  readonly summary: string;
  /** Where the formula comes from. */
  readonly source: string;
  /** The order of the queue that belongs to it, unless another one is chosen. */
  readonly ordering?: string;
}

/** What a policy may know beside the workers. Nothing of it says what will be: no run times, no arrivals. */
export interface Knowledge {
  /** What tasks ask for as a rule, the most frequent first. */
  readonly demand: readonly TypicalRequest[];
  /** The time of the pass, Unix ms. */
  readonly now: number;
  /** Of the policy `rts`, where training has set them. */
  readonly risk?: RiskParameters;
}

export const NOTHING_KNOWN: Knowledge = { demand: [], now: 0 };

/** A kind of request and how often it is made. */
export interface TypicalRequest {
  readonly request: Resources;
  readonly gpuModels: readonly string[];
  readonly count: number;
}

/** What is to be placed. */
export interface Ask {
  readonly request: Resources;
  /** GPU models that will do; none named: any. */
  readonly gpuModels: readonly string[];
  /** Of the one task, for scorers that are `perTask`; null otherwise. */
  readonly task: TaskFacts | null;
}

/** What is known of one waiting task beside its request. */
export interface TaskFacts {
  /** What its submitter or the cluster expects it to run, ms; null: nobody knows. */
  readonly expectedMs: number | null;
  readonly deadlineAt: number | null;
  /** The label `type`, as affinities of workers name it; empty without. */
  readonly type: string;
}

/**
 * The score of a worker depends on what is asked and on that worker's row alone, not on other rows: after a placement
 * only the chosen worker is scored again. Scores are finite, larger is better.
 */
export interface Scorer {
  /**
   * A placement never raises the worker's score for any request, as with every policy that spreads load. Known
   * scores are then upper bounds, which saves most of the scoring when many kinds of requests take turns.
   */
  readonly spreads: boolean;
  /** Tasks with the same request may be scored differently: `Ask.task` is wanted. */
  readonly perTask?: boolean;
  /** Per row what no score of it exceeds, whatever the request; kept up to date. Null if there is no such bound. */
  readonly ceiling: Float64Array | null;
  /**
   * Writes the score of `rows[i]` to `scores[i]` for i < count. Asked only where the request fits, with the table as
   * it is before the placement. Many rows at a time, because a call for each would cost more than most formulas.
   */
  score(ask: Ask, rows: Int32Array, count: number, scores: Float64Array): void;
  /**
   * For a share of one GPU: the place of the device in the worker's list. Without this method, and where it answers
   * -1, it is the fullest device that has room; whole devices are alike, and the first free ones are taken.
   */
  device?(ask: Ask, row: number): number;
  /** Told of each placement once the row is renewed, for figures that the policy keeps beside the table. */
  placed?(row: number): void;
  /** The parts that the score of a row is made of, by name, for explanations. */
  parts(ask: Ask, row: number): Readonly<Record<string, number>>;
}
