/**
 * Where a task goes. A policy is a pure function of the request and the workers as they stand; it proposes, the fit
 * predicate and the commit decide. It never sees what a task will do, only what it asks for.
 */
import type { Ledger } from '../model/ledger.ts';
import type { Resources } from '../model/resources.ts';
import type { Worker } from '../model/worker.ts';

/** A worker with what is free on it at this point of the pass. */
export interface WorkerRoom {
  readonly worker: Worker;
  readonly ledger: Ledger;
}

export type PlacementPolicy = ScoringPolicy | CyclingPolicy;

/** Takes the worker with the best score; ties go to the smaller worker id. */
export interface ScoringPolicy extends PolicyCard {
  readonly kind: 'scoring';
  /** Called once per pass with every worker that takes work, for figures of the whole cluster. */
  prepare(rooms: readonly WorkerRoom[]): Scorer;
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
 * The score of a worker depends on the request and on that worker alone, not on other workers. So after a placement
 * only the chosen worker is scored again. Scores are finite numbers, larger is better.
 */
export interface Scorer {
  /** Asked only where the request fits, with the worker as it is before the placement. */
  score(request: Resources, room: WorkerRoom): number;
  /** The parts the score is made of, by name, for explanations. */
  parts(request: Resources, room: WorkerRoom): Readonly<Record<string, number>>;
}
