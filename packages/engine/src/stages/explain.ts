/**
 * "Why is my task waiting?" The answer is computed when somebody asks, from the same predicate that placement uses,
 * so that a hundred thousand waiting tasks cost nothing until one of them is looked at.
 */
import type { Explanation, Obstacle, WorkerVerdict } from '../explain.ts';
import { durationQuantity } from '../model/quantity.ts';
import { amountOf, firstLacking } from '../model/resources.ts';
import type { Task } from '../model/task.ts';
import { type QuotaState, quotaLeft, quotaWhole } from '../model/tenancy.ts';
import { gpuModelsOf } from '../model/terms.ts';
import {
  type Avoidance,
  couldEverFit,
  firstObstacle,
  formatAmounts,
  obstacles,
  resourceTitle,
  takesWork,
} from '../policy/feasibility.ts';
import type { Knowledge, PlacementPolicy, WorkerRoom } from '../policy/policy.ts';
import { RoomTable } from '../policy/room-table.ts';
import { advise, quotaAdvice } from './advice.ts';
import { candidatesOf } from './candidates.ts';
import { type Claim, claimOf, type KnownWorker } from './claim.ts';

import type { BlockedClass, PromisedStart } from './place.ts';

export interface ExplainView {
  /** Every worker that is known, ascending by id. */
  readonly workers: readonly KnownWorker[];
  readonly policy: PlacementPolicy;
  readonly cursor: string | null;
  readonly knowledge: Knowledge;
  /** Where the cluster failed the task. */
  failedOn(task: Task): readonly string[];
  /** 1 = next of all queued tasks; null when it is not queued. */
  position(taskId: string): number | null;
  /** Why the last pass left tasks of its kind waiting; null when it did not. */
  blocked(taskId: string): BlockedClass['reason'] | null;
  /** The worker that is kept for it; null when none is. */
  promised(taskId: string): PromisedStart | null;
  /** null: the namespace has no quota. */
  quota(namespace: string): QuotaState | null;
}

export function explain(task: Task, view: ExplainView, now: number): Explanation {
  const claim = claimOf(task, view.failedOn(task));
  const waits = task.state === 'pending' || task.state === 'queued';
  const workers = waits ? verdicts(claim, view) : [];
  const position = task.state === 'queued' ? view.position(task.id) : null;
  const couldEver = !waits || (workers.some((verdict) => verdict.couldEverFit) && !exceedsQuota(claim, view));
  // Present room is no matter for a task that can not start yet anyway.
  const isStuck = task.state === 'queued' || !couldEver;
  return {
    taskId: task.id,
    state: task.state,
    summary: summaryOf(task, claim, view, position, now),
    position,
    waitingMs: waits ? Math.max(0, now - task.submittedAt) : 0,
    couldEverFit: couldEver,
    workers,
    advice: isStuck ? (quotaAdvice(claim, view.quota(claim.namespace)) ?? advise(claim, view.workers)) : null,
  };
}

/**
 * Why a queued task of this kind does not start, in one sentence; null when it fits somewhere and only waits for its
 * turn. With a target or a single worker it is exactly the refusal of that worker.
 */
export function waitingMessage(claim: Claim, view: Pick<ExplainView, 'workers' | 'quota'>): string | null {
  return quotaMessage(claim, view.quota(claim.namespace)) ?? roomMessage(claim, view.workers);
}

function summaryOf(task: Task, claim: Claim, view: ExplainView, position: number | null, now: number): string {
  switch (task.state) {
    case 'pending':
      return pendingMessage(task, now);
    case 'queued':
      return queuedMessage(task, claim, view, position, now);
    case 'assigned':
    case 'running':
    case 'completed':
    case 'failed':
    case 'cancelled':
      return task.message ?? `Task is ${task.state}, it does not wait`;
  }
}

function queuedMessage(task: Task, claim: Claim, view: ExplainView, position: number | null, now: number): string {
  const room = waitingMessage(claim, view);
  const held = heldMessage(task, view, now);
  if (room !== null) return view.promised(task.id) === null || held === null ? room : `${room}. ${held}`;
  return held ?? `Waits for its turn${position === null ? '' : `: position ${position} in the queue`}`;
}

/** What the order of the queue has to do with it; null when it has nothing. */
export function heldMessage(task: Task, view: Pick<ExplainView, 'blocked' | 'promised'>, now: number): string | null {
  const promised = view.promised(task.id);
  if (promised !== null) {
    const { workerId, startAt } = promised;
    return startAt === null
      ? `Worker ${workerId} is kept for it until it has room`
      : `Worker ${workerId} is kept for it, and is expected to have room in ${durationQuantity(Math.max(0, startAt - now))}`;
  }
  switch (view.blocked(task.id)) {
    case 'gang':
      return 'Waits until all tasks of its gang can start together';
    case 'neighbours':
      return 'Waits for a worker that has the right tasks beside it';
    case 'promised':
      return 'Waits because the workers with room are kept for tasks before it';
    case 'room':
    case 'quota':
    case null:
      return null;
  }
}

/** Dependencies named in one sentence; more than this many are counted. */
const NAMED_PARENTS = 3;

function pendingMessage(task: Task, now: number): string {
  const parents = task.waitsFor;
  if (parents.length > 0) {
    const named = parents.slice(0, NAMED_PARENTS).join(', ');
    const more = parents.length > NAMED_PARENTS ? ` and ${parents.length - NAMED_PARENTS} more` : '';
    return `Waits for ${parents.length === 1 ? 'task' : 'tasks'} ${named}${more} to complete`;
  }
  const left = durationQuantity(Math.max(0, (task.eligibleAt ?? now) - now));
  const failures = task.userFailures + task.infraFailures;
  return failures > 0 ? `Waits ${left} before attempt ${task.fence + 1}` : `Waits for its start time in ${left}`;
}

function quotaMessage(claim: Claim, quota: QuotaState | null): string | null {
  if (quota === null) return null;
  const left = quotaLeft(quota, claim.request);
  const lacking = firstLacking(claim.request, left);
  if (lacking === null) return null;
  const [has, requires] = formatAmounts(
    lacking,
    Math.max(0, amountOf(left, lacking)),
    amountOf(claim.request, lacking),
  );
  const [limit] = formatAmounts(lacking, amountOf(quota.limit, lacking), 0);
  return `Quota of namespace ${claim.namespace} reached: ${has} of ${limit} ${resourceTitle(lacking)} left, task requires ${requires}`;
}

function exceedsQuota(claim: Claim, view: ExplainView): boolean {
  const quota = view.quota(claim.namespace);
  return quota !== null && firstLacking(claim.request, quotaWhole(quota, claim.request)) !== null;
}

function roomMessage(claim: Claim, workers: readonly KnownWorker[]): string | null {
  if (claim.targetWorker !== null) {
    const target = workers.find(({ worker }) => worker.id === claim.targetWorker);
    if (target === undefined) return `Worker ${claim.targetWorker} not found`;
    return obstacles(claim, target.worker, target.ledger)[0]?.message ?? null;
  }
  const known = workers.filter(({ worker }) => worker.state !== 'revoked');
  if (known.length === 0) return 'No suitable worker available: no worker is registered';
  if (known.length === 1) return obstacles(claim, known[0]!.worker, known[0]!.ledger)[0]?.message ?? null;
  return countedMessage(claim, known);
}

/** Many workers, one sentence: `of 5 workers 3 lack CPU, 1 is draining, 1 is not connected`. */
function countedMessage(claim: Claim, known: readonly KnownWorker[]): string | null {
  const avoided = avoidedBy(claim, known);
  const counts = new Map<string, number>();
  for (const { worker, ledger } of known) {
    const first = firstObstacle(claim, worker, ledger, avoided.has(worker.id));
    if (first === null) return null;
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  const parts = [...counts]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([what, n]) => countPhrase(what, n));
  return `No suitable worker available with sufficient resources: of ${known.length} workers ${parts.join(', ')}`;
}

function countPhrase(what: string, n: number): string {
  const is = n === 1 ? 'is' : 'are';
  switch (what as Obstacle['kind']) {
    case 'not_connected':
      return `${n} ${is} not connected`;
    case 'suspect':
      return `${n} ${is} silent`;
    case 'draining':
      return `${n} ${is} draining`;
    case 'unhealthy':
      return `${n} ${is} unhealthy`;
    case 'label_mismatch':
      return `${n} ${n === 1 ? 'has' : 'have'} other labels`;
    case 'gpu_model_mismatch':
      return `${n} ${n === 1 ? 'has' : 'have'} no GPU of a model that will do`;
    case 'avoided':
      return `${n} ${is} avoided after a loss`;
    case 'gpu_fragmented':
      return `${n} ${n === 1 ? 'has' : 'have'} GPUs too fragmented`;
    default:
      return `${n} ${n === 1 ? 'lacks' : 'lack'} ${resourceTitle(what)}`;
  }
}

function verdicts(claim: Claim, view: ExplainView): WorkerVerdict[] {
  const known = view.workers.filter(({ worker }) => worker.state !== 'revoked' || worker.id === claim.targetWorker);
  const avoided = avoidedBy(claim, known);
  const scores = scoresOf(claim, view, roomsTakingWork(known));
  return known.map(({ worker, ledger }) => {
    const found = obstacles(claim, worker, ledger, avoided.get(worker.id) ?? null);
    return {
      workerId: worker.id,
      obstacles: found,
      couldEverFit: couldEverFit(claim, worker),
      scores: found.length === 0 ? scores(worker.id) : {},
    };
  });
}

/** The workers that are passed over: another one could ever take the task, or one has room where it has not failed. */
function avoidedBy(claim: Claim, known: readonly KnownWorker[]): ReadonlyMap<string, Avoidance> {
  const avoided = new Map<string, Avoidance>();
  if (claim.avoid.length === 0 && claim.failedOn.length === 0) return avoided;
  const rooms = roomsTakingWork(known);
  const workers = rooms.map((room) => room.worker);
  const candidates = [...candidatesOf(claim, workers)].map((row) => rooms[row]!);
  for (const id of claim.avoid) if (!candidates.some(({ worker }) => worker.id === id)) avoided.set(id, 'lost');
  const hasRoom = ({ worker, ledger }: WorkerRoom) =>
    !claim.failedOn.includes(worker.id) && ledger.fits(claim.request, gpuModelsOf(claim));
  if (candidates.some(hasRoom)) for (const id of claim.failedOn) if (!avoided.has(id)) avoided.set(id, 'failed');
  return avoided;
}

function roomsTakingWork(known: readonly KnownWorker[]): WorkerRoom[] {
  return known.flatMap(({ worker, ledger }) => (ledger !== null && takesWork(worker) ? [{ worker, ledger }] : []));
}

/** The parts of the policy's score; for one that takes turns, how many workers come before. */
function scoresOf(
  claim: Claim,
  view: ExplainView,
  rooms: readonly WorkerRoom[],
): (id: string) => Readonly<Record<string, number>> {
  const rows = new Map(rooms.map((room, row) => [room.worker.id, row]));
  if (view.policy.kind === 'scoring') {
    const scorer = view.policy.prepare(tableOf(rooms), view.knowledge);
    const ask = { request: claim.request, gpuModels: gpuModelsOf(claim), task: claim.facts };
    return (id) => scorer.parts(ask, rows.get(id)!);
  }
  if (view.policy.kind === 'drawing') return () => ({ chance: 1 / rooms.length });
  const { cursor } = view;
  const next = Math.max(0, cursor === null ? 0 : rooms.findIndex((room) => room.worker.id > cursor));
  return (id) => ({ turnsAway: (rows.get(id)! - next + rooms.length) % rooms.length });
}

function tableOf(rooms: readonly WorkerRoom[]): RoomTable {
  return new RoomTable(
    rooms.map((room) => room.ledger),
    rooms.map((room) => room.worker.id),
  );
}
