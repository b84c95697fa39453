/**
 * The schedule pass: which waiting task goes to which worker. It works on scratch copies and changes nothing; what
 * it proposes is checked again by the commit. Tasks are taken in the order of the queue, and one that does not fit
 * does not hold up those behind it.
 */
import { fitsIn, type GpuShare, type Resources, subtract } from '../model/resources.ts';
import type { TaskId } from '../model/task.ts';
import { type Knowledge, NOTHING_KNOWN, type PlacementPolicy, type WorkerRoom } from '../policy/policy.ts';
import { BlockedFrontier } from './blocked-frontier.ts';
import { CyclingFinder } from './cycling-finder.ts';
import { DrawingFinder } from './drawing-finder.ts';
import type { Finder } from './finder.ts';
import type { WaitingClass, WaitingQueue } from './queue.ts';
import { ScoringFinder } from './scoring-finder.ts';
import { ScratchCluster } from './scratch-cluster.ts';

/** What a namespace may hold and what its live attempts hold now. */
export interface QuotaState {
  readonly limit: Resources;
  readonly used: Resources;
}

export interface PlaceView {
  readonly queue: WaitingQueue;
  /** Every worker that has told its capacity, in any condition, ascending by id. */
  readonly workers: readonly WorkerRoom[];
  /** Round-robin's cursor: the worker chosen last. */
  readonly cursor: string | null;
  /** What the policy may know beside the workers; nothing if left out. */
  readonly knowledge?: Knowledge;
  /** For policies that draw; 0 if left out. */
  readonly seed?: number;
  /** null: the namespace has no quota. */
  quota(namespace: string): QuotaState | null;
}

export interface Placement {
  readonly taskId: TaskId;
  readonly workerId: string;
  /** The policy, and the score that decided. */
  readonly placedBy: string;
  /** The GPUs that it chose; those with the best fit if left out. */
  readonly gpus?: readonly GpuShare[];
}

/** A class whose first waiting task can not start now, so none of it can; see `waitingMessage` for the words. */
export interface BlockedClass {
  readonly class: WaitingClass;
  readonly reason: 'quota' | 'room';
}

export interface Plan {
  readonly assignments: readonly Placement[];
  /** For the next pass. */
  readonly cursor: string | null;
  readonly blocked: readonly BlockedClass[];
  /** The limit ended the pass: what is neither assigned nor blocked was not looked at. */
  readonly more: boolean;
}

/** At most `limit` placements, the tasks that are next in the queue first. */
export function place(view: PlaceView, policy: PlacementPolicy, limit: number): Plan {
  const assignments: Placement[] = [];
  const blocked: BlockedClass[] = [];
  const block = (group: WaitingClass, reason: BlockedClass['reason']) => {
    blocked.push({ class: group, reason });
    walk.skipClass();
  };

  const walk = view.queue.pass();
  const cluster = new ScratchCluster(view.workers);
  const finder = finderOf(policy, cluster, view);
  const quotas = new ScratchQuotas(view);
  const frontier = new BlockedFrontier();

  let entry = walk.next();
  for (; entry !== null && assignments.length < limit; entry = walk.next()) {
    const group = entry.class;
    if (!quotas.admits(group)) {
      block(group, 'quota');
      continue;
    }
    const row = frontier.covers(group) ? -1 : finder.find(group, entry);
    if (row < 0) {
      frontier.add(group);
      block(group, 'room');
      continue;
    }
    const workerId = cluster.workers[row]!.id;
    const placedBy = `${finder.describe(group, entry, row)}${failureNote(group, workerId)}`;
    const gpus = cluster.place(row, group, finder.device(group, entry, row));
    finder.placed(row);
    quotas.take(group);
    assignments.push({ taskId: entry.taskId, workerId, placedBy, gpus });
  }
  return { assignments, cursor: finder.cursor ?? view.cursor, blocked, more: entry !== null };
}

function finderOf(policy: PlacementPolicy, cluster: ScratchCluster, view: PlaceView): Finder {
  switch (policy.kind) {
    case 'cycling':
      return new CyclingFinder(policy, cluster, view.cursor);
    case 'drawing':
      return new DrawingFinder(policy, cluster, view.seed ?? 0);
    case 'scoring':
      return new ScoringFinder(policy, cluster, view.knowledge ?? NOTHING_KNOWN);
  }
}

/** That the worker was chosen with earlier failures in mind, for the timeline. */
function failureNote({ failedOn }: WaitingClass, workerId: string): string {
  if (failedOn.length === 0) return '';
  return failedOn.includes(workerId)
    ? '; failed here before, no other worker has room'
    : `; not ${failedOn.join(', ')}, where it failed`;
}

/** What is left of each quota as the pass goes on. */
class ScratchQuotas {
  readonly #view: PlaceView;
  readonly #left = new Map<string, Resources | null>();

  constructor(view: PlaceView) {
    this.#view = view;
  }

  admits(group: WaitingClass): boolean {
    const left = this.#leftOf(group.namespace);
    return left === null || fitsIn(group.request, left);
  }

  take(group: WaitingClass): void {
    const left = this.#leftOf(group.namespace);
    if (left !== null) this.#left.set(group.namespace, subtract(left, group.request));
  }

  #leftOf(namespace: string): Resources | null {
    const known = this.#left.get(namespace);
    if (known !== undefined) return known;
    const quota = this.#view.quota(namespace);
    const left = quota === null ? null : subtract(quota.limit, quota.used);
    this.#left.set(namespace, left);
    return left;
  }
}
