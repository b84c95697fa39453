/** What a store should answer, worked out the plain way: all rows in memory, filtered one by one. */
import type { Attempt, Change, ClusterEvent, Snapshot, Task } from '@cloudai/engine';
import { isLive, isTerminal } from '@cloudai/engine';
import type { EventFilter, EventOrder, TaskFilter, TaskOrder } from '../store.ts';

export class NaiveStore {
  readonly tasks = new Map<string, Task>();
  readonly attempts = new Map<string, Attempt>();
  readonly events: ClusterEvent[] = [];
  /** Other rows, by kind and key. */
  readonly others = new Map<string, unknown>();

  fold(changes: readonly Change[]): void {
    for (const change of changes) this.#one(change);
  }

  #one(change: Change): void {
    switch (change.kind) {
      case 'task':
        this.tasks.set(change.row.id, change.row);
        return;
      case 'attempt':
        this.attempts.set(`${change.row.taskId}/${change.row.number}`, change.row);
        return;
      case 'event':
        this.events.push(change.row);
        return;
      case 'cluster':
        this.others.set('cluster', change.row);
        return;
      case 'workerRemoved':
        this.others.delete(`worker/${change.workerId}`);
        return;
      case 'idempotency':
        this.others.set(`idempotency/${change.row.namespace}/${change.row.key}`, change.row);
        return;
      case 'idempotencyExpired':
        this.others.delete(`idempotency/${change.namespace}/${change.key}`);
        return;
      case 'namespace':
      case 'user':
        this.others.set(`${change.kind}/${change.row.name}`, change.row);
        return;
      default:
        this.others.set(`${change.kind}/${change.row.id}`, change.row);
    }
  }

  /** Rows in one order, so that two snapshots may be compared. */
  snapshot(endedSince: number): Snapshot {
    const all = [...this.attempts.values()];
    const holding = new Set(all.filter((attempt) => isLive(attempt.state)).map((attempt) => attempt.taskId));
    const tasks = [...this.tasks.values()].filter(
      (task) => !isTerminal(task.state) || holding.has(task.id) || task.endedAt! >= endedSince,
    );
    const kept = new Set(tasks.map((task) => task.id));
    // The kinds of rows are told apart by the keys above.
    const of = <T>(kind: string) =>
      [...this.others].filter(([key]) => key.startsWith(`${kind}/`)).map(([, row]) => row as T);
    return sorted({
      cluster: (this.others.get('cluster') as Snapshot['cluster']) ?? null,
      tasks,
      attempts: all.filter((attempt) => kept.has(attempt.taskId)),
      workers: of('worker'),
      namespaces: of('namespace'),
      users: of('user'),
      tokens: of('token'),
      idempotency: of('idempotency'),
    });
  }

  list(filter: TaskFilter, order: TaskOrder): Task[] {
    const found = [...this.tasks.values()].filter((task) => this.#matches(task, filter));
    return found.sort((a, b) => {
      if (order === 'newest') return b.sequence - a.sequence;
      if (order === 'oldest') return a.sequence - b.sequence;
      return b.priority - a.priority || a.sequence - b.sequence;
    });
  }

  listEvents(filter: EventFilter, from: number, limit: number, order: EventOrder): ClusterEvent[] {
    return this.events
      .filter(({ sequence }) => (order === 'oldest' ? sequence > from : sequence < from))
      .filter((event) => isIn(filter.namespaces, event.namespace))
      .filter((event) => filter.taskId === undefined || event.taskId === filter.taskId)
      .filter((event) => filter.workerId === undefined || event.workerId === filter.workerId)
      .filter((event) => filter.kinds === undefined || filter.kinds.includes(event.kind))
      .sort((a, b) => (order === 'oldest' ? a.sequence - b.sequence : b.sequence - a.sequence))
      .slice(0, limit);
  }

  #matches(task: Task, filter: TaskFilter): boolean {
    const { states, reasons, owner, jobId, name, image, workerId, labels, idPrefix } = filter;
    const onWorker = (attempt: Attempt) => attempt.taskId === task.id && attempt.workerId === workerId;
    return (
      isIn(filter.namespaces, task.namespace) &&
      (states === undefined || states.includes(task.state)) &&
      (reasons === undefined || (task.reason !== null && reasons.includes(task.reason))) &&
      (owner === undefined || task.owner === owner) &&
      (jobId === undefined || task.jobId === jobId) &&
      (name === undefined || task.name === name) &&
      (image === undefined || task.spec.image === image) &&
      (workerId === undefined || [...this.attempts.values()].some(onWorker)) &&
      Object.entries(labels ?? {}).every(([key, value]) => task.spec.labels[key] === value) &&
      (idPrefix === undefined || task.id.startsWith(idPrefix)) &&
      (filter.search === undefined || isFound(task, filter.search.toLowerCase())) &&
      (filter.submittedAfter === undefined || task.submittedAt >= filter.submittedAfter) &&
      (filter.submittedBefore === undefined || task.submittedAt < filter.submittedBefore)
    );
  }
}

export function sorted(snapshot: Snapshot): Snapshot {
  const by = <T>(rows: readonly T[], key: (row: T) => string): T[] =>
    [...rows].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return {
    cluster: snapshot.cluster,
    tasks: by(snapshot.tasks, (task) => task.id),
    attempts: by(snapshot.attempts, (attempt) => `${attempt.taskId}/${String(attempt.number).padStart(6, '0')}`),
    workers: by(snapshot.workers, (worker) => worker.id),
    namespaces: by(snapshot.namespaces, (namespace) => namespace.name),
    users: by(snapshot.users, (user) => user.name),
    tokens: by(snapshot.tokens, (token) => token.id),
    idempotency: by(snapshot.idempotency, (record) => JSON.stringify([record.namespace, record.key])),
  };
}

function isFound({ id, name, spec }: Task, text: string): boolean {
  return id.startsWith(text) || [name ?? '', spec.image].some((part) => part.toLowerCase().includes(text));
}

function isIn(namespaces: readonly string[] | 'all', namespace: string | null): boolean {
  return namespaces === 'all' || (namespace !== null && namespaces.includes(namespace));
}
