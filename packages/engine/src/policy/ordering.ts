/**
 * Who is next. An ordering gives each waiting task a number, the smallest going first; ties go to the older task. It is
 * a pure function of what the task asks for, what is expected of it, how long it waits and how loaded the cluster is.
 * What only the future knows (how long it really runs, what comes next) is not in its reach.
 */
import type { Resources } from '../model/resources.ts';

export interface OrderingPolicy {
  readonly name: string;
  /** Grows when the same queue may be ordered differently than before. */
  readonly version: number;
  /** One sentence for people who choose an order. */
  readonly summary: string;
  /** Where the formula comes from. */
  readonly source: string;
  /** A task of higher priority goes before any other, whatever their numbers are. */
  readonly heedsPriority: boolean;
  /**
   * Which of two tasks that are alike but for the time of their submission and their deadline goes first. The number
   * has to agree: it may not be smaller for the other one.
   */
  readonly within: 'age' | 'deadline';
  /** Called once per pass. */
  prepare(about: OrderKnowledge): (task: OrderedTask) => number;
}

/** A waiting task as orders see it. The object is used again for the next one. */
export interface OrderedTask {
  readonly request: Resources;
  /** Cores; a GPU counts for as many as the cluster has to each. */
  readonly processors: number;
  /** The largest part of any resource of the cluster that it asks for, 0 to 1. */
  readonly dominantShare: number;
  /** What it is expected to run, s; `UNKNOWN_SECONDS` where nobody knows. */
  readonly expectedSeconds: number;
  /** Since it was submitted, or since it was allowed to start. */
  readonly waitSeconds: number;
  /** Seconds since the cluster began. */
  readonly submitSeconds: number;
  readonly priority: number;
  /** Seconds from now, negative if over; Infinity without a deadline. */
  readonly deadlineInSeconds: number;
  readonly owner: string;
  readonly namespace: string;
}

/** What an order may know of the cluster. */
export interface OrderKnowledge {
  /** Of the owner: what its tasks have used and use, dominant shares times seconds, older use counting less. */
  usageOf(owner: string): number;
  /** How many seconds of waiting make up for one step of priority; null: none ever do. */
  readonly ageingSeconds: number | null;
  /** The largest part of any resource of the cluster that one worker has, 0 to 1. */
  readonly largestShare: number;
}

/** An hour: long enough to come after what is known to be short, short enough not to be put off for ever. */
export const UNKNOWN_SECONDS = 3_600;
