/**
 * Everything the engine knows, with the indexes that keep each command cheap. Rows are immutable; an index is never
 * set by hand but follows from the row before and the row after (`putTask`, `putAttempt`, `putWorker`), so loading
 * from a store and living through the commands end in the same state.
 */
import type { ClusterRow } from './change.ts';
import type { EngineConfig } from './config.ts';
import { type Attempt, isLive } from './model/attempt.ts';
import { byExpiry, IdempotencyRecords } from './model/idempotency.ts';
import { Ledger } from './model/ledger.ts';
import { add, type Resources, subtract, ZERO } from './model/resources.ts';
import { SpecCache } from './model/spec-cache.ts';
import { isTerminal, type Task, type TaskId, type TaskState } from './model/task.ts';
import type { ApiToken, Namespace, QuotaState, User } from './model/tenancy.ts';
import { TermIndex } from './model/term-index.ts';
import type { Worker } from './model/worker.ts';
import { Demand } from './policy/demand.ts';
import type { WorkerRoom } from './policy/policy.ts';
import { DEFAULT_PLACEMENT } from './policy/registry.ts';
import type { Snapshot } from './snapshot.ts';
import type { SchedulerLease } from './stages/lease.ts';
import type { Plan } from './stages/place.ts';
import { WaitingQueue } from './stages/queue.ts';
import { isInfrastructure } from './stages/retry.ts';
import { TaskIds } from './task-ids.ts';
import { Timers } from './timers.ts';

/** A worker's row and what is known of it beside: kept in memory, rebuilt after a restart. */
export interface WorkerEntry {
  worker: Worker;
  /** What is held on it; null until it has told its capacity. */
  ledger: Ledger | null;
  /** Newest sign of life. Runs ahead of `worker.lastSeenAt`, which is only written along with another change. */
  lastSeenAt: number | null;
  /** Tasks whose newest attempt lives here. */
  readonly live: Set<TaskId>;
  /** It came back smaller than what its live attempts hold; ends when enough of them have ended. */
  shrunk: boolean;
  /** When its identity last moved from one live process to another. */
  switchedAt: number | null;
}

export type TimerKind = 'eligible' | 'queueTimeout' | 'reservation' | 'silence' | 'drain';

export function timerKey(kind: TimerKind, id: string): string {
  return `${kind}:${id}`;
}

export class EngineState {
  readonly config: EngineConfig;
  /** Changed in place, as it moves with every event; copied on its way out. */
  readonly cluster: { -readonly [K in keyof ClusterRow]: ClusterRow[K] };
  /** Waiting and live tasks, and ended ones for a while. */
  readonly tasks = new Map<TaskId, Task>();
  /** Attempts of those tasks by number − 1; absent before the first. */
  readonly attempts = new Map<TaskId, readonly Attempt[]>();
  /** In no particular order; walk `workerIds` where order matters. */
  readonly workers = new Map<string, WorkerEntry>();
  /** Ascending. */
  readonly workerIds: string[] = [];
  readonly queue = new WaitingQueue();
  readonly specs = new SpecCache();
  /** What the tasks in memory ask for. */
  readonly demand = new Demand();
  readonly timers = new Timers();
  /** Tasks that ended and hold nothing any more, by the time they ended: the next to be forgotten first. */
  readonly ended = new Timers();
  /** Pending tasks by the parents they wait for. */
  readonly children = new Map<TaskId, Set<TaskId>>();
  /** Tasks that say more of where and with whom they run than most. */
  readonly terms = new TermIndex();
  readonly counts: Record<TaskState, number> = {
    pending: 0,
    queued: 0,
    assigned: 0,
    running: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
  };
  readonly namespaces = new Map<string, Namespace>();
  /** What the live attempts of a namespace hold together. */
  readonly usage = new Map<string, Resources>();
  readonly users = new Map<string, User>();
  readonly tokens = new Map<string, ApiToken>();
  readonly tokensByHash = new Map<string, ApiToken>();
  readonly idempotency = new IdempotencyRecords();

  /** The latest time that a command came with; it never goes back. */
  now = 0;
  /** Nobody is called silent before this. */
  graceUntil = 0;
  /** A schedule pass might place something. */
  passWanted = false;
  lastPassAt = Number.NEGATIVE_INFINITY;
  /** What the last pass found that looked at everything; to explain by. */
  lastPass: Pick<Plan, 'blocked' | 'promised'> | null = null;
  /** Of the external scheduler that was heard of last; ended or not. */
  lease: SchedulerLease | null = null;
  /** Queued since the last pass, the first of them: their message still has to say why they wait. */
  readonly unexplained = new Set<TaskId>();

  readonly #ids = new TaskIds();

  constructor(config: EngineConfig, snapshot: Snapshot | null) {
    this.config = config;
    this.cluster = { ...(snapshot?.cluster ?? FIRST_CLUSTER) };
    if (snapshot !== null) this.#load(snapshot);
  }

  #load(snapshot: Snapshot): void {
    for (const row of snapshot.namespaces) this.namespaces.set(row.name, row);
    for (const row of snapshot.users) this.users.set(row.name, row);
    for (const row of snapshot.tokens) this.putToken(row);
    for (const row of [...snapshot.idempotency].sort(byExpiry)) this.idempotency.add(row);
    for (const row of snapshot.workers) this.putWorker(row);
    // Attempts first: what a task's timers are depends on whether one of them ever started.
    const attempts = [...snapshot.attempts].sort((a, b) => order(a.taskId, b.taskId) || a.number - b.number);
    const tasks = [...snapshot.tasks].sort((a, b) => a.sequence - b.sequence);
    const namespaces = new Map(tasks.map((task) => [task.id, task.namespace]));
    for (const row of attempts) {
      const namespace = namespaces.get(row.taskId);
      if (namespace !== undefined) this.putAttempt(row, namespace);
    }
    for (const row of tasks) this.putTask(row);
  }

  // ---- reads ------------------------------------------------------------------------------------

  attempt(taskId: TaskId, number: number): Attempt | undefined {
    return this.attempts.get(taskId)?.[number - 1];
  }

  newestAttempt(taskId: TaskId): Attempt | undefined {
    return this.attempts.get(taskId)?.at(-1);
  }

  /** The attempt that holds a reservation. It is always the newest: a next one only follows its end. */
  liveAttempt(taskId: TaskId): Attempt | undefined {
    const newest = this.newestAttempt(taskId);
    return newest !== undefined && isLive(newest.state) ? newest : undefined;
  }

  /** The workers where the cluster failed this task, ascending: its next attempt goes elsewhere if it can. */
  failedOn(task: Task): readonly string[] {
    if (task.infraFailures === 0) return NO_WORKERS;
    const failed = (this.attempts.get(task.id) ?? NO_ATTEMPTS).filter(
      ({ reason }) => reason !== null && isInfrastructure(reason),
    );
    return [...new Set(failed.map(({ workerId }) => workerId))].sort();
  }

  get waiting(): number {
    return this.counts.pending + this.counts.queued;
  }

  /** Workers that have told their capacity, by id: what a schedule pass looks at. */
  rooms(): WorkerRoom[] {
    const rooms: WorkerRoom[] = [];
    for (const id of this.workerIds) {
      const entry = this.workers.get(id)!;
      if (hasRoom(entry)) rooms.push(entry);
    }
    return rooms;
  }

  /** Every worker by id, in any condition. */
  known(): WorkerEntry[] {
    return this.workerIds.map((id) => this.workers.get(id)!);
  }

  /** What the namespace may hold, and what it holds; null without a quota. */
  quota(namespace: string): QuotaState | null {
    const limit = this.namespaces.get(namespace)?.quota ?? null;
    return limit === null ? null : { limit, used: this.used(namespace) };
  }

  used(namespace: string): Resources {
    return this.usage.get(namespace) ?? ZERO;
  }

  /** Ids that start with `prefix`, ascending, at most `limit`; none for an empty one. */
  findTasks(prefix: string, limit: number): TaskId[] {
    return this.#ids.find(prefix, limit);
  }

  // ---- rows and what follows from them ----------------------------------------------------------

  putTask(after: Task): void {
    const before = this.tasks.get(after.id);
    this.tasks.set(after.id, after);
    if (before === undefined) {
      this.#ids.add(after.id);
      this.demand.add(after.spec);
    } else this.counts[before.state] -= 1;
    this.counts[after.state] += 1;
    this.#queueTask(before, after);
    this.#linkParents(before, after);
    this.terms.note(after);
    if (before?.state === 'pending' || after.state === 'pending')
      this.#arm(timerKey('eligible', after.id), this.eligibleDue(after));
    this.#armQueueTimeout(after);
    this.#rememberEnded(after);
  }

  /**
   * `namespace` is that of its task, which may still have to be loaded. `held`: the ledger holds its reservation
   * already, because its GPUs were chosen by reserving them.
   */
  putAttempt(after: Attempt, namespace: string, held = false): void {
    const all = this.attempts.get(after.taskId) ?? NO_ATTEMPTS;
    const before = all[after.number - 1];
    if (before === undefined && after.number !== all.length + 1)
      throw new Error(`attempt ${after.number} of task ${after.taskId} follows attempt ${all.length}`);
    this.attempts.set(after.taskId, before === undefined ? [...all, after] : all.with(after.number - 1, after));
    this.#account(before, after, namespace, held);
    const key = timerKey('reservation', after.taskId);
    if (after.state === 'assigned' && after.expiresAt !== null) this.timers.arm(key, after.expiresAt);
    else if (after.number >= all.length) this.timers.disarm(key);
    const task = this.tasks.get(after.taskId);
    if (task !== undefined) {
      this.#armQueueTimeout(task);
      this.#rememberEnded(task);
    }
  }

  putWorker(after: Worker): WorkerEntry {
    let entry = this.workers.get(after.id);
    if (entry === undefined) {
      entry = {
        worker: after,
        ledger: null,
        lastSeenAt: after.lastSeenAt,
        live: new Set(),
        shrunk: false,
        switchedAt: null,
      };
      this.workers.set(after.id, entry);
      this.workerIds.splice(slotOf(this.workerIds, after.id), 0, after.id);
      if (after.capacity !== null) entry.ledger = new Ledger(after.capacity);
    } else if (after.capacity !== null && after.capacity !== entry.worker.capacity) {
      entry.ledger = this.#recount(entry, after.capacity);
      entry.shrunk = entry.ledger.overcommitted;
    }
    entry.worker = after;
    this.#armWorker(entry);
    return entry;
  }

  removeWorker(id: string): void {
    this.workers.delete(id);
    const slot = slotOf(this.workerIds, id);
    if (this.workerIds[slot] === id) this.workerIds.splice(slot, 1);
    this.timers.disarm(timerKey('silence', id));
    this.timers.disarm(timerKey('drain', id));
  }

  putToken(row: ApiToken): void {
    this.tokens.set(row.id, row);
    this.tokensByHash.set(row.hash, row);
  }

  /** Drops an ended task and its attempts from memory; the store keeps them. */
  forget(id: TaskId): void {
    const task = this.tasks.get(id);
    if (task === undefined) return;
    this.counts[task.state] -= 1;
    this.tasks.delete(id);
    this.demand.remove(task.spec);
    this.attempts.delete(id);
    this.ended.disarm(id);
    this.#ids.remove(id);
  }

  /** When this worker will have been silent for too long, or null when nobody waits for its word. */
  silenceDue(entry: WorkerEntry): number | null {
    const { state } = entry.worker;
    if (state !== 'active' && state !== 'suspect') return null;
    const limit = state === 'active' ? this.config.suspectMs : this.config.lostMs;
    return Math.max((entry.lastSeenAt ?? 0) + limit, this.graceUntil);
  }

  /** When the queue time-out of this task fires: it guards the time until the first start. */
  queueTimeoutDue(task: Task): number | null {
    if (task.spec.queueTimeoutMs === null || isTerminal(task.state) || task.state === 'running') return null;
    if (task.cancelRequested || this.attempts.get(task.id)?.some(hasStarted)) return null;
    if (this.liveAttempt(task.id)?.stopReason) return null;
    // A task is queued after it was submitted, unless the clock went back in between.
    return Math.min(task.submittedAt, task.queuedAt ?? Number.POSITIVE_INFINITY) + task.spec.queueTimeoutMs;
  }

  eligibleDue(task: Task): number | null {
    return task.state === 'pending' && task.waitsFor.length === 0 ? task.eligibleAt : null;
  }

  #queueTask(before: Task | undefined, after: Task): void {
    const was = before?.state === 'queued';
    const is = after.state === 'queued';
    if (was && (!is || before.priority !== after.priority)) this.queue.remove(after.id);
    if (is && (!was || before?.priority !== after.priority)) this.queue.add(after, this.failedOn(after));
    if (is && !was) {
      if (this.unexplained.size < UNEXPLAINED_TASKS) this.unexplained.add(after.id);
      this.passWanted = true;
    } else if (was && !is) this.unexplained.delete(after.id);
  }

  #linkParents(before: Task | undefined, after: Task): void {
    const was = before?.state === 'pending' ? before.waitsFor : NO_PARENTS;
    const is = after.state === 'pending' ? after.waitsFor : NO_PARENTS;
    if (was === is) return;
    for (const parent of was) {
      const children = this.children.get(parent);
      children?.delete(after.id);
      if (children?.size === 0) this.children.delete(parent);
    }
    for (const parent of is) {
      const children = this.children.get(parent);
      if (children === undefined) this.children.set(parent, new Set([after.id]));
      else children.add(after.id);
    }
  }

  #armQueueTimeout(task: Task): void {
    if (task.spec.queueTimeoutMs !== null) this.#arm(timerKey('queueTimeout', task.id), this.queueTimeoutDue(task));
  }

  /**
   * Sets the silence timer to where it belongs. Heartbeats do not call this, so it may stand too early; it is moved
   * on when it fires.
   */
  armSilence(entry: WorkerEntry): void {
    this.#arm(timerKey('silence', entry.worker.id), this.silenceDue(entry));
  }

  #armWorker(entry: WorkerEntry): void {
    const { id, drain } = entry.worker;
    this.armSilence(entry);
    this.#arm(timerKey('drain', id), drain === null || entry.worker.state === 'revoked' ? null : drain.deadlineAt);
  }

  #arm(key: string, at: number | null): void {
    if (at === null) this.timers.disarm(key);
    else this.timers.arm(key, at);
  }

  #rememberEnded(task: Task): void {
    if (isTerminal(task.state) && task.endedAt !== null && this.liveAttempt(task.id) === undefined)
      this.ended.arm(task.id, task.endedAt);
  }

  /** Moves what an attempt holds between free and held. */
  #account(before: Attempt | undefined, after: Attempt, namespace: string, held: boolean): void {
    const was = before !== undefined && isLive(before.state);
    const is = isLive(after.state);
    if (was === is) return;
    const entry = this.workers.get(after.workerId);
    if (entry === undefined || entry.ledger === null)
      throw new Error(
        `attempt ${after.number} of task ${after.taskId} is on worker ${after.workerId}, which is unknown`,
      );
    const used = this.used(namespace);
    if (is) {
      entry.live.add(after.taskId);
      if (!held) {
        entry.ledger.reserveShares(after.reserved, after.gpus);
        entry.shrunk = entry.ledger.overcommitted;
      }
      this.usage.set(namespace, add(used, after.reserved));
      return;
    }
    entry.live.delete(after.taskId);
    entry.ledger.release(after.reserved, after.gpus);
    if (entry.shrunk && !entry.ledger.overcommitted) entry.shrunk = false;
    this.usage.set(namespace, subtract(used, after.reserved));
    this.passWanted = true;
  }

  /** A ledger of another capacity that holds what the worker's live attempts hold. */
  #recount(entry: WorkerEntry, capacity: NonNullable<Worker['capacity']>): Ledger {
    const ledger = new Ledger(capacity);
    for (const taskId of entry.live) {
      const attempt = this.liveAttempt(taskId);
      if (attempt !== undefined) ledger.reserveShares(attempt.reserved, attempt.gpus);
    }
    return ledger;
  }
}

function hasRoom(entry: WorkerEntry): entry is WorkerEntry & WorkerRoom {
  return entry.ledger !== null;
}

const FIRST_CLUSTER: ClusterRow = {
  epoch: 0,
  taskSequence: 0,
  eventSequence: 0,
  placement: DEFAULT_PLACEMENT,
  cursor: null,
};
/** More than a pass explains (see `schedule.ts`) are not worth remembering. */
const UNEXPLAINED_TASKS = 2_000;
const NO_ATTEMPTS: readonly Attempt[] = [];
const NO_PARENTS: readonly TaskId[] = [];
const NO_WORKERS: readonly string[] = [];

function hasStarted(attempt: Attempt): boolean {
  return attempt.startedAt !== null;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where `id` is in an ascending list, or where it would go. */
function slotOf(ids: readonly string[], id: string): number {
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
