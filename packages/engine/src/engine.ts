/**
 * The cluster as a state machine: `apply(command, now)` → changes, effects, reply.
 * Synchronous and deterministic; the same commands give the same state, byte for byte.
 */
import type { Change, ClusterRow } from './change.ts';
import type { Command, Reply, SubmitTasks } from './command.ts';
import { DEFAULT_ENGINE_CONFIG, type EngineConfig } from './config.ts';
import type { Effect } from './effect.ts';
import type { Explanation } from './explain.ts';
import { check, checkTask } from './invariants.ts';
import type { Attempt } from './model/attempt.ts';
import type { Resources } from './model/resources.ts';
import type { Scheduling } from './model/scheduling.ts';
import type { Task, TaskId, TaskState } from './model/task.ts';
import type { ApiToken, Namespace, User } from './model/tenancy.ts';
import type { Worker } from './model/worker.ts';
import type { Snapshot } from './snapshot.ts';
import { orderingOf, schedulingOf } from './stages/active-policies.ts';
import { submitTasks } from './stages/admit.ts';
import { cancelTask } from './stages/cancel.ts';
import { type ClusterFragmentation, fragmentationOf } from './stages/cluster-fragmentation.ts';
import { commitPlan } from './stages/commit.ts';
import { drainWorker } from './stages/drain.ts';
import { explain } from './stages/explain.ts';
import { leaseScheduler, leaseUntil } from './stages/lease.ts';
import { type Preview, preview } from './stages/preview.ts';
import { setPriority } from './stages/priority.ts';
import { recover } from './stages/recover.ts';
import { reportAttempt } from './stages/report.ts';
import { explainView, passDue, runPass } from './stages/schedule.ts';
import { connectWorker, disconnectWorker, type HeartbeatWorker, hear, heartbeatWorker } from './stages/sessions.ts';
import { putNamespace, putToken, putUser, revokeToken } from './stages/tenancy.ts';
import { tick, tickDue } from './stages/tick.ts';
import { useScheduler } from './stages/use-scheduler.ts';
import { positionOf, waitingFrom, walkWaiting } from './stages/waiting-order.ts';
import { joinWorker, labelWorker, registerWorker, renewWorker, unregisterWorker } from './stages/workers.ts';
import { EngineState } from './state.ts';
import { Step } from './step.ts';

export interface Applied {
  readonly changes: readonly Change[];
  readonly effects: readonly Effect[];
  readonly reply: Reply;
}

/**
 * Begin with `recover`, then apply commands in order and a `tick` whenever `deadline()` has come. An exception out of
 * `apply` is a broken invariant: the state may not be used any more and nothing of that call may be stored.
 */
export class Engine {
  readonly #state: EngineState;

  constructor(config: EngineConfig = DEFAULT_ENGINE_CONFIG, snapshot: Snapshot | null = null) {
    this.#state = new EngineState(config, snapshot);
  }

  /**
   * `now` in Unix ms; the engine's time never goes back, whatever it is told. `more`: further commands of this moment
   * follow, so the schedule pass waits for the last of them, or for the tick that `deadline()` then asks for.
   */
  apply(command: Command, now: number, more = false): Applied {
    const state = this.#state;
    if (now > state.now) state.now = now;
    const step = new Step(state, state.now);
    const reply = dispatch(step, command);
    if (!more) runDuePass(step);
    for (const task of step.tasks()) if (state.tasks.get(task.id) === task) checkTask(state, task);
    return { changes: step.changes(), effects: step.effects, reply };
  }

  /**
   * Takes a sign of life that moves nothing but a time in memory, so that it need not wait for anything to be stored.
   * False when it means more than that; then it has to be applied like any command.
   */
  hear(command: HeartbeatWorker, now: number): boolean {
    const state = this.#state;
    if (now > state.now) state.now = now;
    return hear(state, command);
  }

  /** When it next wants a `tick`, Unix ms; in the past when at once; null when only a command can change anything. */
  deadline(): number | null {
    const pass = passDue(this.#state);
    const time = tickDue(this.#state);
    if (pass === null || time === null) return pass ?? time;
    return Math.min(pass, time);
  }

  /** Why a task waits, worker by worker; null when it is not in memory. */
  explain(taskId: TaskId, now: number): Explanation | null {
    const task = this.#state.tasks.get(taskId);
    return task === undefined ? null : explain(task, explainView(this.#state), now);
  }

  /** Whether a submit of one task would be taken, and where it would start or why it would wait. Nothing changes. */
  preview(command: SubmitTasks): Preview {
    return preview(this.#state, command);
  }

  // ---- reads: rows are immutable, so what was read stays as it was -------------------------------

  cluster(): ClusterRow {
    return { ...this.#state.cluster };
  }

  /** How tasks are ordered and placed: what was set, and the order that follows from it. */
  scheduling(): Scheduling & { readonly ordering: string } {
    return { ...schedulingOf(this.#state), ordering: orderingOf(this.#state).name };
  }

  /** Costs a look at every worker. */
  fragmentation(): ClusterFragmentation {
    return fragmentationOf(this.#state);
  }

  /** The external scheduler that decides until this time (ms), whatever `now` is; null when none has been heard of. */
  lease(): { readonly agent: string; readonly until: number } | null {
    const until = leaseUntil(this.#state);
    return until === null ? null : { agent: this.#state.lease!.agent, until };
  }

  /** Tasks that have not ended, and ended ones for a while; others are in the store. */
  task(id: TaskId): Task | null {
    return this.#state.tasks.get(id) ?? null;
  }

  /** Up to `limit` tasks in memory whose id starts with `prefix`, by id. */
  findTasks(prefix: string, limit = 2): Task[] {
    return this.#state.findTasks(prefix, limit).map((id) => this.#state.tasks.get(id)!);
  }

  /** Tasks per state, ended ones as far as they are in memory. */
  counts(): Readonly<Record<TaskState, number>> {
    return { ...this.#state.counts };
  }

  /** Queued tasks, the next first. */
  *queued(): IterableIterator<Task> {
    const walk = walkWaiting(this.#state);
    for (let entry = walk.next(); entry !== null; entry = walk.next()) yield this.#state.tasks.get(entry.taskId)!;
  }

  /** `count` queued tasks in order, from a position on; 1 = next of all. */
  queuedFrom(position: number, count: number): Task[] {
    return waitingFrom(this.#state, position, count).map((id) => this.#state.tasks.get(id)!);
  }

  /** 1 = next of all queued tasks; null when it is not queued, or too far back for the order in use to say. */
  position(taskId: TaskId): number | null {
    return positionOf(this.#state, taskId);
  }

  attempt(taskId: TaskId, number: number): Attempt | null {
    return this.#state.attempt(taskId, number) ?? null;
  }

  /** By number; empty for a task that is not in memory. */
  attempts(taskId: TaskId): readonly Attempt[] {
    return this.#state.attempts.get(taskId) ?? [];
  }

  /** What holds resources on this worker, by task id. */
  liveAttempts(workerId: string): Attempt[] {
    const live = this.#state.workers.get(workerId)?.live ?? [];
    return [...live].sort().map((taskId) => this.#state.liveAttempt(taskId)!);
  }

  /** The workers where the cluster failed this task, ascending. */
  failedOn(taskId: TaskId): readonly string[] {
    const task = this.#state.tasks.get(taskId);
    return task === undefined ? [] : this.#state.failedOn(task);
  }

  worker(id: string): Worker | null {
    return this.#state.workers.get(id)?.worker ?? null;
  }

  /** By id, revoked ones too. */
  workers(): Worker[] {
    return this.#state.known().map((entry) => entry.worker);
  }

  /** Newer than the row's, which is only written along with another change. */
  lastSeenAt(workerId: string): number | null {
    return this.#state.workers.get(workerId)?.lastSeenAt ?? null;
  }

  /** What live attempts hold there; null until the worker has told its capacity. */
  allocated(workerId: string): Resources | null {
    return this.#state.workers.get(workerId)?.ledger?.allocated ?? null;
  }

  /** Capacity − allocated. */
  available(workerId: string): Resources | null {
    return this.#state.workers.get(workerId)?.ledger?.available() ?? null;
  }

  namespace(name: string): Namespace | null {
    return this.#state.namespaces.get(name) ?? null;
  }

  namespaces(): Namespace[] {
    return byName(this.#state.namespaces.values());
  }

  /** What the live attempts of a namespace hold together. */
  used(namespace: string): Resources {
    return this.#state.used(namespace);
  }

  user(name: string): User | null {
    return this.#state.users.get(name) ?? null;
  }

  users(): User[] {
    return byName(this.#state.users.values());
  }

  token(id: string): ApiToken | null {
    return this.#state.tokens.get(id) ?? null;
  }

  tokens(): ApiToken[] {
    return [...this.#state.tokens.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The token with this SHA-256, whatever its condition: the caller checks revocation, expiry and its user. */
  tokenByHash(hash: string): ApiToken | null {
    return this.#state.tokensByHash.get(hash) ?? null;
  }

  /** Every row that a store would give back now. */
  snapshot(): Snapshot {
    const state = this.#state;
    return {
      cluster: { ...state.cluster },
      tasks: [...state.tasks.values()],
      attempts: [...state.attempts.values()].flat(),
      workers: this.workers(),
      namespaces: this.namespaces(),
      users: this.users(),
      tokens: this.tokens(),
      idempotency: [...state.idempotency.values()],
    };
  }

  /** Recomputes everything and throws `InvariantBroken` if it differs. Costs as much as there are tasks. */
  check(): void {
    check(this.#state);
  }
}

function dispatch(step: Step, command: Command): Reply {
  switch (command.kind) {
    case 'recover':
      return recover(step, command);
    case 'tick':
      tick(step);
      return { ok: true, kind: 'done' };
    case 'submitTasks':
      return submitTasks(step, command);
    case 'cancelTask':
      return cancelTask(step, command);
    case 'setPriority':
      return setPriority(step, command);
    case 'commitPlan':
      return commitPlan(step, command);
    case 'leaseScheduler':
      // Before the lease is granted, or an agent that is always late would put it off for ever.
      runDuePass(step);
      return leaseScheduler(step, command);
    case 'registerWorker':
      return registerWorker(step, command);
    case 'unregisterWorker':
      return unregisterWorker(step, command);
    case 'joinWorker':
      return joinWorker(step, command);
    case 'renewWorker':
      return renewWorker(step, command);
    case 'connectWorker':
      return connectWorker(step, command);
    case 'heartbeatWorker':
      return heartbeatWorker(step, command);
    case 'disconnectWorker':
      return disconnectWorker(step, command);
    case 'drainWorker':
      return drainWorker(step, command);
    case 'labelWorker':
      return labelWorker(step, command);
    case 'reportAttempt':
      return reportAttempt(step, command);
    case 'useScheduler':
      return useScheduler(step, command);
    case 'putNamespace':
      return putNamespace(step, command);
    case 'putUser':
      return putUser(step, command);
    case 'putToken':
      return putToken(step, command);
    case 'revokeToken':
      return revokeToken(step, command);
  }
}

function runDuePass(step: Step): void {
  const due = passDue(step.state);
  if (due !== null && due <= step.state.now) runPass(step);
}

function byName<T extends { readonly name: string }>(rows: Iterable<T>): T[] {
  return [...rows].sort((a, b) => (a.name < b.name ? -1 : 1));
}
