/**
 * What was committed lately, for everybody who watches: events by sequence, and the newest rows of tasks and workers in
 * the order of their commits. It is bounded, and nothing in it belongs to a reader; the store has what is older.
 */
import type { Attempt, Change, ClusterEvent, Task, TaskState, Worker } from '@cloudai/engine';
import type { Loop } from '../context.ts';
import { ChangeRing } from './change-ring.ts';
import { EventRing } from './event-ring.ts';

/** A task as it was committed. */
export interface TaskChange {
  readonly task: Task;
  readonly attempts: readonly Attempt[];
  /** States that it was in before, as far as they are known here; null: anything. */
  readonly before: ReadonlySet<TaskState> | null;
  /** The message, as in `EventEntry`. */
  text: string | null;
}

export interface WorkerChange {
  /** null: it was removed. */
  readonly worker: Worker | null;
  /** Messages by what their readers may see. */
  readonly texts: Map<string, string>;
}

export interface FeedOptions {
  /** Most events kept. Some minutes of a busy cluster. */
  readonly events?: number;
  /** Most changes of rows kept, of tasks and of workers. A reader further behind lists again. */
  readonly changes?: number;
}

const EVENTS = 65_536;
const CHANGES = 32_768;

export class Feed {
  readonly #loop: Pick<Loop, 'engine' | 'onCommitted'>;
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  readonly events: EventRing;
  readonly tasks: ChangeRing<TaskChange>;
  readonly workers: ChangeRing<WorkerChange>;
  #version = 0;

  constructor(loop: Pick<Loop, 'engine' | 'onCommitted'>, options: FeedOptions = {}) {
    this.#loop = loop;
    const head = loop.engine.cluster().eventSequence;
    const { events = EVENTS, changes = CHANGES } = options;
    this.events = new EventRing(events, head);
    this.tasks = new ChangeRing(changes, head);
    this.workers = new ChangeRing(changes, head);
    loop.onCommitted((committed) => this.#take(committed));
  }

  /** Sequence of the newest committed event. */
  get head(): number {
    return this.events.head;
  }

  /** Grows with every commit. */
  get version(): number {
    return this.#version;
  }

  /** Called after each commit that is in the feed. */
  onChange(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The engine shows exactly what was committed: the next batch is not begun before the listeners are done. */
  #take(changes: readonly Change[]): void {
    const tasks = new Map<string, Task>();
    const created = new Set<string>();
    const workers = new Map<string, Worker | null>();
    const { engine } = this.#loop;
    for (const change of changes) {
      switch (change.kind) {
        case 'event':
          this.#addEvent(change.row);
          break;
        case 'task':
          tasks.set(change.row.id, change.row);
          if (change.created) created.add(change.row.id);
          break;
        case 'attempt': {
          const task = engine.task(change.row.taskId);
          if (task !== null) tasks.set(task.id, task);
          const worker = engine.worker(change.row.workerId);
          if (worker !== null) workers.set(worker.id, worker);
          break;
        }
        case 'worker':
          workers.set(change.row.id, change.row);
          break;
        case 'workerRemoved':
          workers.set(change.workerId, null);
          break;
      }
    }
    for (const task of tasks.values()) this.#addTask(task, created.has(task.id));
    for (const [id, worker] of workers) this.workers.add(id, { worker, texts: new Map() }, this.head);
    this.#version += 1;
    for (const listener of this.#listeners) listener(changes);
  }

  #addEvent(event: ClusterEvent): void {
    // The master has read its store again and told nobody what it stored on the way.
    if (event.sequence !== this.events.head + 1) {
      this.events.reset(event.sequence - 1);
      this.tasks.reset(event.sequence - 1);
      this.workers.reset(event.sequence - 1);
    }
    this.events.add(event);
  }

  #addTask(task: Task, isNew: boolean): void {
    const attempts = this.#loop.engine.attempts(task.id);
    const last = this.tasks.newest(task.id)?.row;
    const before = isNew ? NONE : statesBefore(last);
    // Nobody reads it any more.
    if (last !== undefined) last.text = null;
    this.tasks.add(task.id, { task, attempts, before, text: null }, this.head);
  }
}

function statesBefore(last: TaskChange | undefined): ReadonlySet<TaskState> | null {
  if (last === undefined || last.before === null) return null;
  return last.before.has(last.task.state) ? last.before : new Set(last.before).add(last.task.state);
}

const NONE: ReadonlySet<TaskState> = new Set();
