/**
 * A store in miniature: folds changes into the rows that a load would give back, and complains about what no store
 * may be handed. `new Engine(config, sink.snapshot())` has to continue as the engine that made the changes would.
 */
import type { Change, ClusterEvent, ClusterRow } from '../change.ts';
import type { Attempt } from '../model/attempt.ts';
import { isTerminal, type Task } from '../model/task.ts';
import type { ApiToken, IdempotencyRecord, Job, Namespace, User } from '../model/tenancy.ts';
import type { Worker } from '../model/worker.ts';
import type { Snapshot } from '../snapshot.ts';

export class SnapshotSink {
  cluster: ClusterRow | null = null;
  readonly tasks = new Map<string, Task>();
  readonly attempts = new Map<string, Attempt>();
  readonly jobs = new Map<string, Job>();
  readonly workers = new Map<string, Worker>();
  readonly namespaces = new Map<string, Namespace>();
  readonly users = new Map<string, User>();
  readonly tokens = new Map<string, ApiToken>();
  readonly idempotency = new Map<string, IdempotencyRecord>();
  readonly events: ClusterEvent[] = [];
  #eventSequence = 0;
  readonly #keepEvents: boolean;

  constructor(options: { readonly keepEvents?: boolean } = {}) {
    this.#keepEvents = options.keepEvents ?? true;
  }

  fold(changes: readonly Change[]): void {
    for (const change of changes) this.#one(change);
    if (this.cluster !== null && this.cluster.eventSequence !== this.#eventSequence)
      throw new Error(
        `the cluster row says event ${this.cluster.eventSequence}, the last one is ${this.#eventSequence}`,
      );
  }

  snapshot(): Snapshot {
    return {
      cluster: this.cluster,
      tasks: [...this.tasks.values()],
      attempts: [...this.attempts.values()],
      workers: [...this.workers.values()],
      namespaces: [...this.namespaces.values()],
      users: [...this.users.values()],
      tokens: [...this.tokens.values()],
      idempotency: [...this.idempotency.values()],
    };
  }

  #one(change: Change): void {
    switch (change.kind) {
      case 'task':
        this.#task(change.row, change.created);
        return;
      case 'attempt':
        this.attempts.set(`${change.row.taskId}/${change.row.number}`, change.row);
        return;
      case 'job':
        this.jobs.set(change.row.id, change.row);
        return;
      case 'worker':
        this.workers.set(change.row.id, change.row);
        return;
      case 'workerRemoved':
        this.workers.delete(change.workerId);
        return;
      case 'namespace':
        this.namespaces.set(change.row.name, change.row);
        return;
      case 'user':
        this.users.set(change.row.name, change.row);
        return;
      case 'token':
        this.tokens.set(change.row.id, change.row);
        return;
      case 'idempotency':
        this.idempotency.set(`${change.row.namespace}\n${change.row.key}`, change.row);
        return;
      case 'idempotencyExpired':
        this.idempotency.delete(`${change.namespace}\n${change.key}`);
        return;
      case 'cluster':
        this.cluster = change.row;
        return;
      case 'event':
        this.#event(change.row);
        return;
    }
  }

  #task(row: Task, created: boolean): void {
    const before = this.tasks.get(row.id);
    if (created !== (before === undefined)) throw new Error(`task ${row.id} is created twice or never`);
    if (row.version !== (before?.version ?? 0) + 1)
      throw new Error(`task ${row.id} goes from version ${before?.version ?? 0} to ${row.version}`);
    if (before !== undefined && before.spec !== row.spec) throw new Error(`the spec of task ${row.id} was edited`);
    if (
      before !== undefined &&
      isTerminal(before.state) &&
      (before.state !== row.state || before.reason !== row.reason)
    )
      throw new Error(`task ${row.id} ended as ${before.state} and then as ${row.state}`);
    this.tasks.set(row.id, row);
  }

  #event(row: ClusterEvent): void {
    if (row.sequence !== this.#eventSequence + 1)
      throw new Error(`event ${row.sequence} follows event ${this.#eventSequence}`);
    this.#eventSequence = row.sequence;
    if (this.#keepEvents) this.events.push(row);
  }
}
