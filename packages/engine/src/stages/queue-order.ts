/**
 * The order of the queue, and lists that keep it. Priority, larger first; then the deadline, earlier first and before
 * tasks without one; then age.
 */
import type { TaskId, TaskSpec } from '../model/task.ts';
import type { TaskFacts } from '../policy/policy.ts';
import type { WaitingClass } from './queue.ts';

/** A waiting task as the queue keeps it; the queue holds no rows, so that an edited one is never stale. */
export interface QueueEntry {
  readonly taskId: TaskId;
  readonly priority: number;
  /** Infinity without a deadline. */
  readonly deadlineAt: number;
  readonly sequence: number;
  /** Since when it waits, Unix ms: its submission, or the time from which it was allowed to start. */
  readonly since: number;
  readonly owner: string;
  readonly class: WaitingClass;
  /** Equal for all tasks that say the same, so that a queue of a million costs no million of them. */
  readonly facts: EntryFacts;
  /** Never edited, unlike the row. */
  readonly spec: TaskSpec;
  /** The job whose tasks start together, this one among them; null if it starts alone. */
  readonly gang: string | null;
}

/** What orders and policies may want to know of one task beside its class; its deadline is in the entry. */
export type EntryFacts = Omit<TaskFacts, 'deadlineAt'>;

/** Negative if `a` is before `b`. Sequences are unique, so no two entries are equal. */
export function compareEntries(a: QueueEntry, b: QueueEntry): number {
  if (a.priority !== b.priority) return b.priority - a.priority;
  if (a.deadlineAt !== b.deadlineAt) return a.deadlineAt < b.deadlineAt ? -1 : 1;
  return a.sequence - b.sequence;
}

/** Older first. */
export function compareAge(a: QueueEntry, b: QueueEntry): number {
  return a.sequence - b.sequence;
}

/** A full chunk is halved. Large enough that a million entries make few chunks, small enough to move in no time. */
const CHUNK = 512;

/**
 * A sorted list cut into chunks: insert, delete and rank find the chunk by bisection. Next to a balanced tree it
 * costs 8 to 16 bytes an entry instead of 40, and walking it is reading arrays.
 */
export class SortedEntries {
  readonly #chunks: QueueEntry[][] = [];
  readonly #compare: (a: QueueEntry, b: QueueEntry) => number;
  size = 0;

  constructor(compare = compareEntries) {
    this.#compare = compare;
  }

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
    chunk.splice(this.#lowerBound(chunk, entry), 0, entry);
    if (chunk.length > CHUNK) chunks.splice(at + 1, 0, chunk.splice(CHUNK >> 1));
  }

  delete(entry: QueueEntry): void {
    const at = this.#chunkOf(entry);
    const chunk = this.#chunks[at];
    const place = chunk === undefined ? -1 : this.#lowerBound(chunk, entry);
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
    return chunk === undefined ? before : before + this.#lowerBound(chunk, entry);
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
      if (this.#compare(this.#chunks[middle]!.at(-1)!, entry) < 0) low = middle + 1;
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

  #lowerBound(chunk: readonly QueueEntry[], entry: QueueEntry): number {
    let low = 0;
    let high = chunk.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(chunk[middle]!, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
