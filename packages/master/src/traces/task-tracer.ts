/**
 * A trace of every task, from what the master commits: its way from submit to release, with the worker's spans (pull,
 * create, start, run, report) below each attempt.
 *
 *   task ┬ submit ┬ admit
 *        │        └ commit
 *        ├ queue
 *        └ attempt ┬ place
 *                  ├ commit
 *                  ├ dispatch        until the worker confirmed it
 *                  ├ pull, create, start, run, report      told by the worker
 *                  └ release
 *
 * Spans are made when they are over. What is not in the rows (how long a step or a commit took) is remembered until then,
 * for so many tasks at most; a master that was restarted in between makes the trace from the rows alone.
 */
import type { Span, TraceSink } from '@cloudai/api/traces';
import { type Attempt, type Change, type ClusterEvent, isLive, type Task } from '@cloudai/engine';
import type { BatchFigures } from '../loop.ts';

/** From `@cloudai/api/traces`, which is loaded only where traces are wanted. */
export interface TraceIds {
  taskTraceId(clusterId: string, taskId: string): string;
  taskSpanId(taskId: string): string;
  attemptSpanId(taskId: string, attempt: number): string;
  randomSpanId(): string;
  formatTraceparent(context: { readonly traceId: string; readonly spanId: string }): string;
}

interface Interval {
  readonly from: number;
  readonly to: number;
}

interface Notes {
  submit: { readonly whole: Interval; readonly admit: Interval; readonly commit: Interval } | null;
  readonly attempts: Map<number, { readonly place: Interval; readonly commit: Interval }>;
}

const MOST_TASKS = 50_000;
/** A row that changes once more after its end does so within moments, such as when its result comes late. */
const MOST_TOLD = 20_000;

export class TaskTracer {
  readonly #clusterId: string;
  readonly #sink: TraceSink;
  readonly #ids: TraceIds;
  readonly #notes = new Map<string, Notes>();
  /** Tasks and attempts whose end was told lately, by their spans. */
  readonly #told = new Set<string>();

  constructor(clusterId: string, sink: TraceSink, ids: TraceIds) {
    this.#clusterId = clusterId;
    this.#sink = sink;
    this.#ids = ids;
  }

  /** What an assignment carries to its worker; empty where this task is not traced. */
  traceparent(taskId: string, attempt: number): string {
    const traceId = this.#traceId(taskId);
    if (!this.#sink.wants(traceId)) return '';
    return this.#ids.formatTraceparent({ traceId, spanId: this.#ids.attemptSpanId(taskId, attempt) });
  }

  onBatch({ rows, receivedAt, applied, committed }: BatchFigures): void {
    if (committed === null) return;
    const tasks = rowsBy(rows, 'task', (row: Task) => row.id);
    const attempts = rowsBy(rows, 'attempt', (row: Attempt) => `${row.taskId}/${row.number}`);
    const submit = {
      whole: { from: Math.min(receivedAt, applied.from), to: committed.to },
      admit: applied,
      commit: committed,
    };
    for (const change of rows) {
      if (change.kind !== 'event' || change.row.taskId === null) continue;
      this.#onEvent(change.row, change.row.taskId, tasks, attempts, { submit, applied, committed });
    }
    // After the events: an attempt that was placed and withdrawn in one batch has its notes by now.
    for (const attempt of attempts.values())
      if (!isLive(attempt.state)) this.#attemptEnded(attempt, tasks.get(attempt.taskId), applied, committed);
    for (const task of tasks.values()) if (task.endedAt !== null) this.#taskEnded(task, committed);
  }

  #onEvent(
    event: ClusterEvent,
    taskId: string,
    tasks: ReadonlyMap<string, Task>,
    attempts: ReadonlyMap<string, Attempt>,
    batch: { readonly submit: NonNullable<Notes['submit']>; readonly applied: Interval; readonly committed: Interval },
  ): void {
    if (event.kind !== 'task_submitted' && event.kind !== 'task_assigned') return;
    if (!this.#sink.wants(this.#traceId(taskId))) return;
    const notes = this.#notesOf(taskId);
    if (event.kind === 'task_submitted') notes.submit = batch.submit;
    if (event.kind !== 'task_assigned' || event.attempt === null) return;
    notes.attempts.set(event.attempt, { place: batch.applied, commit: batch.committed });
    const queuedAt = tasks.get(taskId)?.queuedAt ?? null;
    const attempt = attempts.get(`${taskId}/${event.attempt}`);
    if (queuedAt === null || attempt === undefined) return;
    this.#add(taskId, 'queue', this.#ids.taskSpanId(taskId), { from: queuedAt, to: batch.applied.from });
  }

  #attemptEnded(attempt: Attempt, task: Task | undefined, applied: Interval, committed: Interval): void {
    const { taskId, number, assignedAt, endedAt, reason, state } = attempt;
    if (endedAt === null || !this.#sink.wants(this.#traceId(taskId))) return;
    const notes = this.#notes.get(taskId);
    const spanId = this.#ids.attemptSpanId(taskId, number);
    const own = notes?.attempts.get(number);
    if (!this.#isFirst(spanId)) return;
    notes?.attempts.delete(number);
    if (own !== undefined) {
      this.#add(taskId, 'place', spanId, own.place);
      this.#add(taskId, 'commit', spanId, own.commit);
    }
    const confirmedAt = attempt.confirmedAt ?? attempt.startedAt;
    if (confirmedAt !== null)
      this.#add(taskId, 'dispatch', spanId, { from: own?.commit.to ?? assignedAt, to: confirmedAt });
    this.#add(taskId, 'release', spanId, { from: applied.from, to: committed.to });
    const from = Math.min(assignedAt, own?.place.from ?? assignedAt);
    this.#emit({
      traceId: this.#traceId(taskId),
      spanId,
      parentId: this.#ids.taskSpanId(taskId),
      name: 'attempt',
      startedAt: from,
      endedAt: committed.to,
      attributes: {
        'cloudai.task.id': taskId,
        'cloudai.attempt': number,
        'cloudai.worker.id': attempt.workerId,
        'cloudai.policy': attempt.placedBy,
        'cloudai.attempt.state': state,
        ...(reason === null ? {} : { 'cloudai.reason': reason }),
      },
      error:
        state === 'succeeded' || state === 'cancelled' ? null : (attempt.result?.message ?? task?.message ?? reason),
    });
  }

  #taskEnded(task: Task, committed: Interval): void {
    const { id, submittedAt, reason, message, exitCode } = task;
    const traceId = this.#traceId(id);
    const notes = this.#notes.get(id);
    if (!this.#sink.wants(traceId) || !this.#isFirst(this.#ids.taskSpanId(id))) return;
    this.#notes.delete(id);
    const rootId = this.#ids.taskSpanId(id);
    const submit = notes?.submit ?? null;
    if (submit !== null) {
      const submitId = this.#add(id, 'submit', rootId, submit.whole);
      this.#add(id, 'admit', submitId, submit.admit);
      this.#add(id, 'commit', submitId, submit.commit);
    }
    this.#emit({
      traceId,
      spanId: rootId,
      parentId: null,
      name: 'task',
      startedAt: Math.min(submittedAt, submit?.whole.from ?? submittedAt),
      endedAt: committed.to,
      attributes: {
        'cloudai.task.id': id,
        'cloudai.namespace': task.namespace,
        'cloudai.owner': task.owner,
        'cloudai.image': task.spec.image,
        'cloudai.task.state': task.state,
        'cloudai.attempts': task.fence,
        ...(reason === null ? {} : { 'cloudai.reason': reason }),
        ...(exitCode === null ? {} : { 'cloudai.exit_code': exitCode }),
      },
      error: task.state === 'failed' ? (message ?? reason) : null,
    });
  }

  #add(taskId: string, name: string, parentId: string, { from, to }: Interval): string {
    const spanId = this.#ids.randomSpanId();
    const traceId = this.#traceId(taskId);
    const attributes = { 'cloudai.task.id': taskId };
    this.#emit({
      traceId,
      spanId,
      parentId,
      name,
      startedAt: from,
      endedAt: Math.max(from, to),
      attributes,
      error: null,
    });
    return spanId;
  }

  #emit(span: Span): void {
    this.#sink.add(span);
  }

  #isFirst(spanId: string): boolean {
    if (this.#told.has(spanId)) return false;
    this.#told.add(spanId);
    if (this.#told.size > MOST_TOLD)
      for (const oldest of this.#told) {
        this.#told.delete(oldest);
        break;
      }
    return true;
  }

  #traceId(taskId: string): string {
    return this.#ids.taskTraceId(this.#clusterId, taskId);
  }

  #notesOf(taskId: string): Notes {
    let notes = this.#notes.get(taskId);
    if (notes !== undefined) return notes;
    notes = { submit: null, attempts: new Map() };
    this.#notes.set(taskId, notes);
    if (this.#notes.size > MOST_TASKS)
      for (const oldest of this.#notes.keys()) {
        this.#notes.delete(oldest);
        break;
      }
    return notes;
  }
}

function rowsBy<K extends 'task' | 'attempt', Row>(
  changes: readonly Change[],
  kind: K,
  keyOf: (row: Row) => string,
): Map<string, Row> {
  const rows = new Map<string, Row>();
  for (const change of changes) if (change.kind === kind) rows.set(keyOf(change.row as Row), change.row as Row);
  return rows;
}
