/**
 * Making room for a task of higher priority. Victims have a strictly lower priority and allow it; they are asked to stop
 * with their own grace and wait in the queue again. As a victim's priority is lower, it can never do the same to the task
 * that it made room for, so no two tasks stop each other in turn.
 *
 * What is being stopped already counts as room that comes: nobody is asked to go for a task that is about to get it.
 */
import type { Ledger } from '../model/ledger.ts';
import type { GpuShare, Resources } from '../model/resources.ts';
import type { TaskId } from '../model/task.ts';
import type { Ask } from '../policy/policy.ts';

/** A live attempt as preemption sees it. */
export interface Resident {
  readonly taskId: TaskId;
  readonly priority: number;
  readonly preemptible: boolean;
  /** It was asked to stop. */
  readonly isLeaving: boolean;
  readonly startedAt: number;
  readonly request: Resources;
  readonly gpus: readonly GpuShare[];
}

export interface Eviction {
  readonly row: number;
  /** Empty: what it needs is being stopped already. */
  readonly victims: readonly Resident[];
}

/** Victims for one task; who needs more is not worth what is lost. */
const MOST_VICTIMS = 64;

/**
 * The worker where the least is lost: the lowest priority of the worst-off victim, then the fewest victims, then the
 * least work done in vain. Null if nobody can make room.
 */
export function chooseVictims(
  ask: Ask,
  priority: number,
  now: number,
  rows: Iterable<number>,
  cluster: { ledgerOf(row: number): Ledger; residentsOf(row: number): readonly Resident[] },
): Eviction | null {
  let best: { readonly eviction: Eviction; readonly cost: readonly number[] } | null = null;
  for (const row of rows) {
    const victims = victimsOn(ask, priority, cluster.ledgerOf(row), cluster.residentsOf(row));
    if (victims === null) continue;
    const cost = costOf(victims, now);
    if (best === null || isLess(cost, best.cost)) best = { eviction: { row, victims }, cost };
  }
  return best?.eviction ?? null;
}

/** The victims on one worker, as few as possible, those of low priority and late start first; null if it is no use. */
function victimsOn(ask: Ask, priority: number, ledger: Ledger, residents: readonly Resident[]): Resident[] | null {
  const scratch = ledger.clone();
  const leaving = residents.filter((one) => one.isLeaving);
  for (const one of leaving) scratch.release(one.request, one.gpus);
  if (scratch.fits(ask.request, ask.gpuModels)) return leaving.length > 0 ? [] : null;
  const able = residents
    .filter((one) => !one.isLeaving && one.preemptible && one.priority < priority)
    .sort((a, b) => a.priority - b.priority || b.startedAt - a.startedAt || (a.taskId < b.taskId ? -1 : 1));
  const victims: Resident[] = [];
  for (const one of able) {
    if (victims.length >= MOST_VICTIMS) return null;
    scratch.release(one.request, one.gpus);
    victims.push(one);
    if (scratch.fits(ask.request, ask.gpuModels)) return spare(ask, scratch, victims);
  }
  return null;
}

/** Without those whose going does not help, the most valuable ones spared first. */
function spare(ask: Ask, scratch: Ledger, victims: readonly Resident[]): Resident[] {
  const kept: Resident[] = [];
  for (const one of victims.toReversed()) {
    scratch.reserveShares(one.request, one.gpus);
    if (scratch.fits(ask.request, ask.gpuModels)) continue;
    scratch.release(one.request, one.gpus);
    kept.push(one);
  }
  return kept.reverse();
}

function costOf(victims: readonly Resident[], now: number): number[] {
  const highest = victims.reduce((most, { priority }) => Math.max(most, priority), -1);
  const lost = victims.reduce((sum, { startedAt }) => sum + Math.max(0, now - startedAt), 0);
  return [highest, victims.length, lost];
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (const [n, value] of a.entries()) if (value !== b[n]) return value < b[n]!;
  return false;
}
