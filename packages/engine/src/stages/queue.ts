/**
 * The tasks that may start as soon as there is room. Tasks that ask for the same thing form one class, so a schedule
 * pass costs classes × workers however long the queue is: when the first task of a class does not fit, none does.
 */
import type { Resources } from '../model/resources.ts';
import type { Task, TaskId } from '../model/task.ts';
import { apartOf, gpuModelsOf, isGangMember, nearOf, type SchedulingTerms, spreadOf } from '../model/terms.ts';
import type { Ask } from '../policy/policy.ts';
import type { TaskWalk } from './ordered-pass.ts';
import { compareAge, compareEntries, type EntryFacts, type QueueEntry, SortedEntries } from './queue-order.ts';

/** Waiting tasks with one and the same placement requirement. It lives as long as it has tasks. */
export class WaitingClass implements Ask {
  readonly key: string;
  /** Part of the class because its quota is. */
  readonly namespace: string;
  readonly request: Resources;
  readonly targetWorker: string | null;
  readonly selector: Readonly<Record<string, string>>;
  /** Those of its first task; what of them decides where it may go is the same for all. */
  readonly terms?: Partial<SchedulingTerms>;
  readonly gpuModels: readonly string[];
  readonly task = null;
  /** Workers to try last: they were lost while they started these tasks. */
  readonly avoid: readonly string[];
  /** Workers that come after all others with room: the cluster failed these tasks there. */
  readonly failedOn: readonly string[];
  /** Equal for classes that the same workers suit; empty if every worker does. */
  readonly where: string;
  readonly entries = new SortedEntries();

  constructor(key: string, task: Task, failedOn: readonly string[]) {
    this.key = key;
    this.where = whereKey(task);
    this.namespace = task.namespace;
    this.request = task.spec.request;
    this.targetWorker = task.spec.targetWorker;
    this.selector = task.spec.selector;
    if (task.spec.terms !== undefined) this.terms = task.spec.terms;
    this.gpuModels = gpuModelsOf(task.spec);
    this.avoid = task.suspectWorkers;
    this.failedOn = failedOn;
  }

  get size(): number {
    return this.entries.size;
  }
}

/** Waiting tasks of one class that are alike in everything that orders look at, but for age and deadline. */
export interface Strand {
  readonly key: string;
  readonly class: WaitingClass;
  readonly facts: EntryFacts;
  readonly entries: SortedEntries;
}

export class WaitingQueue {
  readonly #byTask = new Map<TaskId, QueueEntry>();
  readonly #classes = new Map<string, WaitingClass>();
  /** All classes together: what a task's position and a listing are read from. */
  readonly #all = new SortedEntries();
  /** All, the oldest first: those that have waited for too long are found here. */
  readonly #byAge = new SortedEntries(compareAge);
  /** Kept once an order has asked for them, sorted as it wants them. */
  #strands: Map<string, Strand> | null = null;
  #within: 'age' | 'deadline' = 'age';

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

  /** `failedOn`: where the cluster failed it, ascending. Throws on a task that is queued already. */
  add(task: Task, failedOn: readonly string[] = NOWHERE): void {
    if (this.#byTask.has(task.id)) throw new Error(`task ${task.id} is queued already`);
    const key = classKey(task, failedOn);
    let group = this.#classes.get(key);
    if (group === undefined) {
      group = new WaitingClass(key, task, failedOn);
      this.#classes.set(key, group);
    }
    const entry: QueueEntry = {
      taskId: task.id,
      priority: task.priority,
      deadlineAt: task.spec.deadlineAt ?? Number.POSITIVE_INFINITY,
      sequence: task.sequence,
      since: Math.max(task.submittedAt, task.spec.startAfter ?? 0),
      owner: task.owner,
      class: group,
      facts: factsOf(task),
      spec: task.spec,
      gang: isGangMember(task.spec) ? task.jobId : null,
    };
    this.#byTask.set(task.id, entry);
    group.entries.insert(entry);
    this.#all.insert(entry);
    this.#byAge.insert(entry);
    if (this.#strands !== null) this.#addToStrand(this.#strands, entry);
  }

  /** False if it was not queued. */
  remove(taskId: TaskId): boolean {
    const entry = this.#byTask.get(taskId);
    if (entry === undefined) return false;
    this.#byTask.delete(taskId);
    this.#all.delete(entry);
    this.#byAge.delete(entry);
    if (this.#strands !== null) removeFromStrand(this.#strands, entry);
    entry.class.entries.delete(entry);
    if (entry.class.size === 0) this.#classes.delete(entry.class.key);
    return true;
  }

  has(taskId: TaskId): boolean {
    return this.#byTask.has(taskId);
  }

  entryOf(taskId: TaskId): QueueEntry | null {
    return this.#byTask.get(taskId) ?? null;
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

  /** The oldest ones, the first of them first. */
  oldest(count: number): QueueEntry[] {
    return this.#byAge.slice(0, count);
  }

  /** Tasks that are alike, each strand sorted by age or by deadline and then age. */
  strands(within: 'age' | 'deadline'): Iterable<Strand> {
    if (this.#strands === null || this.#within !== within) {
      this.#within = within;
      this.#strands = new Map();
      for (const entry of this.#byTask.values()) this.#addToStrand(this.#strands, entry);
    }
    return this.#strands.values();
  }

  #addToStrand(strands: Map<string, Strand>, entry: QueueEntry): void {
    const key = strandKey(entry);
    let strand = strands.get(key);
    if (strand === undefined) {
      const entries = new SortedEntries(this.#within === 'age' ? compareAge : compareEntries);
      strand = { key, class: entry.class, facts: entry.facts, entries };
      strands.set(key, strand);
    }
    strand.entries.insert(entry);
  }

  /** Walks the queue in order and leaves it as it is; it must not be changed meanwhile. */
  pass(): QueuePass {
    return new QueuePass(this.#classes.values());
  }
}

/** One walk over the queue: the tasks of all classes merged, without the classes that were skipped on the way. */
export class QueuePass implements TaskWalk {
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

  /** The next of the class may be another matter. */
  skipAlike(): void {}

  took(): void {}

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

function strandKey({ class: group, priority, owner, facts }: QueueEntry): string {
  return `${priority}/${facts.expectedMs ?? ''}/${facts.type}/${owner}/${group.key}`;
}

function removeFromStrand(strands: Map<string, Strand>, entry: QueueEntry): void {
  const strand = strands.get(strandKey(entry))!;
  strand.entries.delete(entry);
  if (strand.entries.size === 0) strands.delete(strand.key);
}

/** Shared as long as specs are: a task's facts are a function of its spec. */
const FACTS = new WeakMap<Task['spec'], EntryFacts>();

export function factsOf({ spec }: Pick<Task, 'spec'>): EntryFacts {
  let facts = FACTS.get(spec);
  if (facts === undefined) {
    const type = Object.hasOwn(spec.labels, 'type') ? spec.labels.type! : '';
    facts = { expectedMs: spec.terms?.expectedMs ?? spec.timeoutMs, type };
    FACTS.set(spec, facts);
  }
  return facts;
}

/** Equal for tasks that any worker and any quota treats alike. JSON keeps odd names and labels apart. */
function classKey(task: Task, failedOn: readonly string[]): string {
  const { request } = task.spec;
  const amounts = `${request.cpuMillis},${request.memoryBytes},${request.storageBytes},${request.gpuMillis}`;
  return `${amounts}${isEmpty(request.custom) ? '' : JSON.stringify(sorted(request.custom))}/${task.namespace}/${whereKey(task)}${failedOn.length === 0 ? '' : JSON.stringify(failedOn)}`;
}

const NOWHERE: readonly string[] = [];

function whereKey(task: Task): string {
  const { targetWorker, selector, terms } = task.spec;
  const avoid = task.suspectWorkers;
  if (targetWorker === null && avoid.length === 0 && isEmpty(selector) && terms === undefined) return '';
  const places = terms === undefined ? '' : placesKey(task.spec);
  if (places === '' && targetWorker === null && avoid.length === 0 && isEmpty(selector)) return '';
  return JSON.stringify([targetWorker, sorted(selector), [...avoid].sort(), places]);
}

/** The terms that say where a task may go; empty if they say nothing. */
function placesKey(spec: Task['spec']): string {
  const models = spec.request.gpuMillis === 0 ? [] : [...gpuModelsOf(spec)].sort();
  const [near, apart, spread] = [nearOf(spec), apartOf(spec), spreadOf(spec)];
  if (models.length + near.length + apart.length + spread.length === 0) return '';
  // Who may be beside a task depends on its own labels where others are to keep away from it.
  return JSON.stringify([models, near, apart, spread]);
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

function isEmpty(record: object): boolean {
  for (const _name in record) return false;
  return true;
}
