/** The orders of the queue by name, as `useScheduler` knows them. */
import type { OrderingPolicy } from './ordering.ts';
import { edf } from './orders/edf.ts';
import { fairShare } from './orders/fair-share.ts';
import { fifo } from './orders/fifo.ts';
import { largestFirst } from './orders/largest-first.ts';
import { ageingPriority, priority } from './orders/priority.ts';
import { f1, saf, sjfPredicted } from './orders/shortest.ts';
import { unicep, wfp3 } from './orders/waiting.ts';
import { learnedOrdering } from './shipped-models.ts';

export const DEFAULT_ORDERING = priority.name;

const ORDERS: readonly OrderingPolicy[] = [
  priority,
  ageingPriority,
  fifo,
  fairShare,
  sjfPredicted,
  saf,
  f1,
  wfp3,
  unicep,
  edf,
  largestFirst,
  learnedOrdering,
];

export function orderingPolicy(name: string): OrderingPolicy | null {
  return ORDERS.find((order) => order.name === name) ?? null;
}

export function orderingPolicies(): readonly OrderingPolicy[] {
  return ORDERS;
}

/**
 * What happens behind a task that does not fit now.
 * greedy        nothing: whoever fits starts. Large tasks may wait for ever, but for the age limit
 * strict        nobody behind it starts
 * easy          the first blocked task is promised a worker at the earliest time; others start if that is not put off
 * conservative  every blocked task (up to a bound) is promised one
 */
export const BACKFILLS = ['greedy', 'strict', 'easy', 'conservative'] as const;
export type Backfill = (typeof BACKFILLS)[number];
export const DEFAULT_BACKFILL: Backfill = 'greedy';

export function isBackfill(name: string): name is Backfill {
  return (BACKFILLS as readonly string[]).includes(name);
}
