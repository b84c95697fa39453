/**
 * The tasks that may start as soon as there is room. Tasks that ask for the same thing form one class, so a schedule
 * pass costs classes × workers however long the queue is: when the first task of a class does not fit, none does.
 * Order: priority, larger first; then the deadline, earlier first and before tasks without one; then age.
 */
import type { Resources } from '../model/resources.ts';
import type { Task, TaskId } from '../model/task.ts';

/** A waiting task as the queue keeps it; the queue holds no rows, so that an edited one is never stale. */
export interface QueueEntry {
  readonly taskId: TaskId;
  readonly priority: number;
  /** Infinity without a deadline. */
  readonly deadlineAt: number;
  readonly sequence: number;
  readonly class: WaitingClass;
}

/** Negative if `a` is before `b`. Sequences are unique, so no two entries are equal. */
export function compareEntries(a: QueueEntry, b: QueueEntry): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.deadlineAt !== b.deadlineAt) return a.deadlineAt < b.deadlineAt ? -1 : 1;
  return a.sequence - b.sequence;
}

/** Waiting tasks with one and the same placement requirement. It lives as long as it has tasks. */
export class WaitingClass {
  readonly key: string;
  /** Part of the class because its quota is. */
  readonly namespace: string;
  readonly request: Resources;
  readonly targetWorker: string | null;
  readonly selector: Readonly<Record<string, string>>;
  /** Workers to try last: they were lost while they started these tasks. */
  readonly avoid: readonly string[];
  /** Equal for classes that the same workers suit; empty if every worker does. */
  readonly where: string;
  readonly entries = new SortedEntries();

  constructor(key: string, task: Task) {
    this.key = key;
    this.where = whereKey(task);
    this.namespace = task.namespace;
    this.request = task.spec.request;
    this.targetWorker = task.spec.targetWorker;
    this.selector = task.spec.selector;
    this.avoid = task.suspectWorkers;
  }

  get size(): number {
    return this.entries.size;
  }
}

export class WaitingQueue {
  readonly #byTask = new Map<TaskId, QueueEntry>();
  readonly #classes = new Map<string, WaitingClass>();
  /** All classes together: what a task's position and a listing are read from. */
  readonly #all = new SortedEntries();

  get size(): number {
    return this.#byTask.size;
  }

  /** In the order in which their first tasks came. */
  get classes(): IterableIterator<WaitingClass> {
    return this.#classes.values();
  }

  get classCount(): number {
    return this.#classes.size;
  }

  /** Throws on a task that is queued already. */
  add(task: Task): void {
    if (this.#byTask.has(task.id)) throw new Error(`task ${task.id} is queued already`);
    const key = classKey(task);
    let group = this.#classes.get(key);
    if (group === undefined) {
      group = new WaitingClass(key, task);
      this.#classes.set(key, group);
    }
    const entry: QueueEntry = {
      taskId: task.id,
      priority: task.priority,
      deadlineAt: task.spec.deadlineAt ?? Number.POSITIVE_INFINITY,
      sequence: task.sequence,
      class: group,
    };
    this.#byTask.set(task.id, entry);
    group.entries.insert(entry);
    this.#all.insert(entry);
  }

  /** False if it was not queued. */
  remove(taskId: TaskId): boolean {
    const entry = this.#byTask.get(taskId);
    if (entry === undefined) return false;
    this.#byTask.delete(taskId);
    this.#all.delete(entry);
    entry.class.entries.delete(entry);
    if (entry.class.size === 0) this.#classes.delete(entry.class.key);
    return true;
  }

  has(taskId: TaskId): boolean {
    return this.#byTask.has(taskId);
  }

  classOf(taskId: TaskId): WaitingClass | null {
    return this.#byTask.get(taskId)?.class ?? null;
  }

  /** 1 = next of all; null if it is not queued. */
  position(taskId: TaskId): number | null {
    const entry = this.#byTask.get(taskId);
    return entry === undefined ? null : this.#all.rank(entry) + 1;
  }

  /** Ids in order, `count` of them from position `from` (1 = next of all). */
  slice(from: number, count: number): TaskId[] {
    return this.#all.slice(from - 1, count).map((entry) => entry.taskId);
  }

  /** Walks the queue in order and leaves it as it is; it must not be changed meanwhile. */
  pass(): QueuePass {
    return new QueuePass(this.#classes.values());
  }
}

/** One walk over the queue: the tasks of all classes merged, without the classes that were skipped on the way. */
export class QueuePass {
  /** Binary heap by each class's next entry. */
  readonly #heap: ClassCursor[] = [];
  #current: ClassCursor | null = null;

  constructor(classes: Iterable<WaitingClass>) {
    for (const group of classes) this.#heap.push(new ClassCursor(group));
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#siftDown(at);
  }

  /** The next task, or null at the end. */
  next(): QueueEntry | null {
    if (this.#current !== null) {
      this.#current.advance();
      if (this.#current.entry === null) this.#dropTop();
      else this.#siftDown(0);
    }
    this.#current = this.#heap[0] ?? null;
    return this.#current?.entry ?? null;
  }

  /** Leaves out what else the class of the last answer holds. */
  skipClass(): void {
    if (this.#current === null) return;
    this.#dropTop();
    this.#current = null;
  }

  #dropTop(): void {
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#siftDown(0);
    }
  }

  #siftDown(start: number): void {
    const heap = this.#heap;
    const moving = heap[start]!;
    let at = start;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && compareEntries(heap[child + 1]!.entry!, heap[child]!.entry!) < 0) child++;
      if (compareEntries(heap[child]!.entry!, moving.entry!) >= 0) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moving;
  }
}

class ClassCursor {
  readonly #entries: SortedEntries;
  #chunk = 0;
  #at = 0;
  entry: QueueEntry | null;

  constructor(group: WaitingClass) {
    this.#entries = group.entries;
    this.entry = this.#entries.at(0, 0);
  }

  advance(): void {
    this.#at++;
    this.entry = this.#entries.at(this.#chunk, this.#at);
    if (this.entry !== null) return;
    this.#chunk++;
    this.#at = 0;
    this.entry = this.#entries.at(this.#chunk, 0);
  }
}

/** A full chunk is halved. Large enough that a million entries make few chunks, small enough to move in no time. */
const CHUNK = 512;

/**
 * A sorted list cut into chunks: insert, delete and rank find the chunk by bisection. Next to a balanced tree it
 * costs 8 to 16 bytes an entry instead of 40, and walking it is reading arrays.
 */
class SortedEntries {
  readonly #chunks: QueueEntry[][] = [];
  size = 0;

  insert(entry: QueueEntry): void {
    this.size++;
    const chunks = this.#chunks;
    const at = this.#chunkOf(entry);
    if (at === chunks.length) {
      // Behind everything, as new tasks usually are: full chunks stay full instead of being halved.
      const last = chunks.at(-1);
      if (last !== undefined && last.length < CHUNK) last.push(entry);
      else chunks.push([entry]);
      return;
    }
    const chunk = chunks[at]!;
    chunk.splice(lowerBound(chunk, entry), 0, entry);
    if (chunk.length > CHUNK) chunks.splice(at + 1, 0, chunk.splice(CHUNK >> 1));
  }

  delete(entry: QueueEntry): void {
    const at = this.#chunkOf(entry);
    const chunk = this.#chunks[at];
    const place = chunk === undefined ? -1 : lowerBound(chunk, entry);
    if (chunk === undefined || chunk[place] !== entry) throw new Error(`queue order broken at task ${entry.taskId}`);
    this.size--;
    chunk.splice(place, 1);
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    else this.#mergeWithNext(at);
  }

  /** How many entries are before it. */
  rank(entry: QueueEntry): number {
    const at = this.#chunkOf(entry);
    let before = 0;
    for (let chunk = 0; chunk < at; chunk++) before += this.#chunks[chunk]!.length;
    const chunk = this.#chunks[at];
    return chunk === undefined ? before : before + lowerBound(chunk, entry);
  }

  at(chunk: number, index: number): QueueEntry | null {
    return this.#chunks[chunk]?.[index] ?? null;
  }

  slice(start: number, count: number): QueueEntry[] {
    const found: QueueEntry[] = [];
    let skip = Math.max(0, start);
    for (const chunk of this.#chunks) {
      if (found.length >= count) break;
      if (skip < chunk.length) found.push(...chunk.slice(skip, skip + count - found.length));
      skip = Math.max(0, skip - chunk.length);
    }
    return found;
  }

  /** The first chunk whose last entry is not before this one; the number of chunks if there is none. */
  #chunkOf(entry: QueueEntry): number {
    let low = 0;
    let high = this.#chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareEntries(this.#chunks[middle]!.at(-1)!, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Keeps scattered deletions from leaving a long row of nearly empty chunks. */
  #mergeWithNext(at: number): void {
    const chunk = this.#chunks[at]!;
    const next = this.#chunks[at + 1];
    if (next === undefined || chunk.length + next.length > CHUNK >> 1) return;
    chunk.push(...next);
    this.#chunks.splice(at + 1, 1);
  }
}

function lowerBound(chunk: readonly QueueEntry[], entry: QueueEntry): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareEntries(chunk[middle]!, entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Equal for tasks that any worker and any quota treats alike. JSON keeps odd names and labels apart. */
function classKey(task: Task): string {
  const { request } = task.spec;
  const amounts = `${request.cpuMillis},${request.memoryBytes},${request.storageBytes},${request.gpuMillis}`;
  return `${amounts}${isEmpty(request.custom) ? '' : JSON.stringify(sorted(request.custom))}/${task.namespace}/${whereKey(task)}`;
}

function whereKey(task: Task): string {
  const { targetWorker, selector } = task.spec;
  const avoid = task.suspectWorkers;
  if (targetWorker === null && avoid.length === 0 && isEmpty(selector)) return '';
  return JSON.stringify([targetWorker, sorted(selector), [...avoid].sort()]);
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

function isEmpty(record: object): boolean {
  for (const _name in record) return false;
  return true;
}
