/**
 * Where a task goes. A policy is a pure function of the request and the workers as they stand; it proposes, the fit
 * predicate and the commit decide. It never sees what a task will do, only what it asks for.
 */
import type { Ledger } from '../model/ledger.ts';
import type { Resources } from '../model/resources.ts';
import type { Worker } from '../model/worker.ts';
import type { RoomTable } from './room-table.ts';

/** A worker with what is free on it. */
export interface WorkerRoom {
  readonly worker: Worker;
  readonly ledger: Ledger;
}

export type PlacementPolicy = ScoringPolicy | CyclingPolicy;

/** Takes the worker with the best score; ties go to the smaller worker id. */
export interface ScoringPolicy extends PolicyCard {
  readonly kind: 'scoring';
  /**
   * Called once per pass with every worker that takes work; the table follows the placements of the pass. The place
   * for figures of the whole cluster.
   */
  prepare(table: RoomTable): Scorer;
}

/** Takes the first worker with room after the one chosen last, in the order of ids. */
export interface CyclingPolicy extends PolicyCard {
  readonly kind: 'cycling';
}

interface PolicyCard {
  readonly name: string;
  /** One sentence for people who choose a policy. */
  readonly summary: string;
  /** Where the formula comes from. */
  readonly source: string;
}

/**
 * The score of a worker depends on the request and on that worker's row alone, not on other rows: after a placement
 * only the chosen worker is scored again. Scores are finite, larger is better.
 */
export interface Scorer {
  /**
   * A placement never raises the worker's score for any request, as with every policy that spreads load. Known
   * scores are then upper bounds, which saves most of the scoring when many kinds of requests take turns.
   */
  readonly spreads: boolean;
  /** Per row what no score of it exceeds, whatever the request; kept up to date. Null if there is no such bound. */
  readonly ceiling: Float64Array | null;
  /**
   * Writes the score of `rows[i]` to `scores[i]` for i < count. Asked only where the request fits, with the table as
   * it is before the placement. Many rows at a time, because a call for each would cost more than most formulas.
   */
  score(request: Resources, rows: Int32Array, count: number, scores: Float64Array): void;
  /** Told of each placement once the row is renewed, for figures that the policy keeps beside the table. */
  placed?(row: number): void;
  /** The parts that the score of a row is made of, by name, for explanations. */
  parts(request: Resources, row: number): Readonly<Record<string, number>>;
}
