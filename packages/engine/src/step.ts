/**
 * One `apply` in the making: collects the rows touched, the events and the effects. A row touched several times
 * leaves once, as it is in the end, and its version grows by one.
 */
import type { Change, ClusterEvent, ClusterRow, EventKind } from './change.ts';
import type { Effect } from './effect.ts';
import type { Attempt } from './model/attempt.ts';
import type { Task, TaskId } from './model/task.ts';
import type { Worker } from './model/worker.ts';
import type { EngineState } from './state.ts';

/** What an event is about; everything else is null. */
export type EventSubject = Partial<Omit<ClusterEvent, 'sequence' | 'at' | 'kind'>>;

export class Step {
  readonly state: EngineState;
  readonly now: number;
  readonly effects: Effect[] = [];
  #clusterChanged = false;
  readonly #tasks = new Map<TaskId, { created: boolean; row: Task }>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #workers = new Map<string, Worker | null>();
  readonly #others: Change[] = [];
  readonly #events: Change[] = [];

  constructor(state: EngineState, now: number) {
    this.state = state;
    this.now = now;
  }

  /** Whether this task was written in this step already, so that its version has grown. */
  touched(id: TaskId): boolean {
    return this.#tasks.has(id);
  }

  /** Rows of tasks as this step leaves them. */
  *tasks(): IterableIterator<Task> {
    for (const { row } of this.#tasks.values()) yield row;
  }

  keepTask(row: Task, created: boolean): void {
    const kept = this.#tasks.get(row.id);
    if (kept === undefined) this.#tasks.set(row.id, { created, row });
    else kept.row = row;
  }

  keepAttempt(row: Attempt): void {
    this.#attempts.set(`${row.taskId}/${row.number}`, row);
  }

  /** null: the row is gone. */
  keepWorker(id: string, row: Worker | null): void {
    this.#workers.set(id, row);
  }

  keep(change: Change): void {
    this.#others.push(change);
  }

  event(kind: EventKind, about: EventSubject): void {
    this.#clusterChanged = true;
    this.state.cluster.eventSequence += 1;
    const row: ClusterEvent = {
      sequence: this.state.cluster.eventSequence,
      at: this.now,
      kind,
      namespace: about.namespace ?? null,
      taskId: about.taskId ?? null,
      attempt: about.attempt ?? null,
      workerId: about.workerId ?? null,
      by: about.by ?? null,
      message: about.message ?? null,
    };
    this.#events.push({ kind: 'event', row });
  }

  setCluster(patch: Partial<ClusterRow>): void {
    this.#clusterChanged = true;
    Object.assign(this.state.cluster, patch);
  }

  changes(): Change[] {
    const changes: Change[] = [];
    for (const change of this.#others) changes.push(change);
    for (const [id, row] of this.#workers)
      changes.push(row === null ? { kind: 'workerRemoved', workerId: id } : { kind: 'worker', row });
    for (const { created, row } of this.#tasks.values()) changes.push({ kind: 'task', created, row });
    for (const row of this.#attempts.values()) changes.push({ kind: 'attempt', row });
    for (const change of this.#events) changes.push(change);
    if (this.#clusterChanged) changes.push({ kind: 'cluster', row: { ...this.state.cluster } });
    return changes;
  }
}
