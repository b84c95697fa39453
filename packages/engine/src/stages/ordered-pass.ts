/**
 * A walk over the queue in the order of a policy. Tasks that are alike but for their age (one strand of the queue) come
 * in the order of their age, so that only the first of each strand needs a number: a pass costs strands + placements,
 * however long the queue is.
 */
import type { Resources } from '../model/resources.ts';
import { type OrderedTask, type OrderingPolicy, UNKNOWN_SECONDS } from '../policy/ordering.ts';
import type { Backfill } from '../policy/ordering-registry.ts';
import type { WorkerRoom } from '../policy/policy.ts';
import type { Strand } from './queue.ts';
import type { QueueEntry } from './queue-order.ts';

/** How the waiting tasks of a pass are ordered, and by what. */
export interface PassOrder {
  readonly policy: OrderingPolicy;
  readonly backfill: Backfill;
  /** The time of the pass, Unix ms. */
  readonly now: number;
  /** When the cluster began, Unix ms. */
  readonly beganAt: number;
  /** How long a task waits before it goes ahead of all others and is promised a worker, ms; null: never. */
  readonly starvationMs: number | null;
  readonly ageingSeconds: number | null;
  /** Dominant share times seconds that tasks of this user have used of late. */
  usageOf(owner: string): number;
}

/** What tells tasks apart that are tried one after the other. */
export interface TaskWalk {
  /** The next task, or null at the end. */
  next(): QueueEntry | null;
  /** Leaves out what else is of the same class as the last answer. */
  skipClass(): void;
  /** Leaves out what is alike in everything that counts for a promise: class, expected time, user. */
  skipAlike(): void;
  /** The last answer starts now. */
  took(): void;
}

/** What the cluster has in all and on its largest worker. */
export interface ClusterSize {
  readonly total: Amounts;
  readonly largest: Amounts;
}

type Amounts = Pick<Resources, 'cpuMillis' | 'memoryBytes' | 'storageBytes' | 'gpuMillis'>;
const AMOUNTS = ['cpuMillis', 'memoryBytes', 'storageBytes', 'gpuMillis'] as const;

export function sizeOf(rooms: readonly WorkerRoom[]): ClusterSize {
  const total = { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, gpuMillis: 0 };
  const largest = { ...total };
  for (const { ledger } of rooms) {
    const { resources } = ledger.capacity;
    for (const name of AMOUNTS) {
      total[name] += resources[name];
      if (resources[name] > largest[name]) largest[name] = resources[name];
    }
  }
  return { total, largest };
}

/** The largest part of any resource of the cluster. */
export function dominantShare(asked: Amounts, { total }: ClusterSize): number {
  let most = 0;
  for (const name of AMOUNTS) if (total[name] > 0) most = Math.max(most, asked[name] / total[name]);
  return most;
}

interface Head {
  readonly strand: Strand;
  chunk: number;
  at: number;
  entry: QueueEntry;
  score: number;
}

export class OrderedPass implements TaskWalk {
  readonly #order: PassOrder;
  readonly #size: ClusterSize;
  readonly #score: (task: OrderedTask) => number;
  /** Used in this pass, by user. */
  readonly #used = new Map<string, number>();
  readonly #skipped = new Set<Strand['class']>();
  /** Binary heap by priority, score and age. */
  readonly #heap: Head[] = [];
  #current: Head | null = null;
  readonly #task: { -readonly [K in keyof OrderedTask]: OrderedTask[K] };

  constructor(strands: Iterable<Strand>, order: PassOrder, size: ClusterSize) {
    this.#order = order;
    this.#size = size;
    this.#task = { ...BLANK };
    this.#score = order.policy.prepare({
      usageOf: (owner) => order.usageOf(owner) + (this.#used.get(owner) ?? 0),
      ageingSeconds: order.ageingSeconds,
      largestShare: dominantShare(size.largest, size),
    });
    for (const strand of strands) {
      const entry = strand.entries.at(0, 0);
      if (entry !== null) this.#heap.push({ strand, chunk: 0, at: 0, entry, score: this.#scoreOf(entry) });
    }
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#siftDown(at);
  }

  next(): QueueEntry | null {
    if (this.#current !== null) this.#advance(this.#current);
    this.#settleTop();
    this.#current = this.#heap[0] ?? null;
    return this.#current?.entry ?? null;
  }

  skipClass(): void {
    if (this.#current === null) return;
    this.#skipped.add(this.#current.strand.class);
    this.skipAlike();
  }

  skipAlike(): void {
    if (this.#current === null) return;
    this.#dropTop();
    this.#current = null;
  }

  took(): void {
    if (this.#current === null) return;
    const { owner, class: group, facts } = this.#current.entry;
    const seconds = (facts.expectedMs ?? UNKNOWN_SECONDS * 1000) / 1000;
    const share = dominantShare(group.request, this.#size);
    this.#used.set(owner, (this.#used.get(owner) ?? 0) + share * seconds);
  }

  #advance(head: Head): void {
    const { entries } = head.strand;
    let next = entries.at(head.chunk, ++head.at);
    if (next === null) {
      head.at = 0;
      next = entries.at(++head.chunk, 0);
    }
    if (next === null) {
      this.#dropTop();
      return;
    }
    head.entry = next;
    head.score = this.#scoreOf(next);
    this.#siftDown(0);
  }

  /** Drops skipped strands, and looks again at numbers that have grown since they were worked out. */
  #settleTop(): void {
    for (let head = this.#heap[0]; head !== undefined; head = this.#heap[0]) {
      if (this.#skipped.has(head.strand.class)) {
        this.#dropTop();
        continue;
      }
      const score = this.#used.size === 0 ? head.score : this.#scoreOf(head.entry);
      if (score <= head.score) return;
      head.score = score;
      this.#siftDown(0);
      if (this.#heap[0] === head) return;
    }
  }

  #scoreOf(entry: QueueEntry): number {
    const { request, namespace } = entry.class;
    const { total } = this.#size;
    const { now, beganAt } = this.#order;
    const task = this.#task;
    const cores = request.cpuMillis / 1000;
    const coresPerGpu = total.gpuMillis === 0 ? 0 : total.cpuMillis / total.gpuMillis;
    task.request = request;
    task.processors = Math.max(cores, (request.gpuMillis / 1000) * coresPerGpu);
    task.dominantShare = dominantShare(request, this.#size);
    task.expectedSeconds = Math.max(1, entry.facts.expectedMs ?? UNKNOWN_SECONDS * 1000) / 1000;
    task.waitSeconds = Math.max(0, now - entry.since) / 1000;
    task.submitSeconds = Math.max(0, entry.since - beganAt) / 1000;
    task.priority = entry.priority;
    task.deadlineInSeconds = (entry.deadlineAt - now) / 1000;
    task.owner = entry.owner;
    task.namespace = namespace;
    return this.#score(task);
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
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#isBefore(heap[child]!, moving)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = moving;
  }

  #isBefore(a: Head, b: Head): boolean {
    if (this.#order.policy.heedsPriority && a.entry.priority !== b.entry.priority)
      return a.entry.priority > b.entry.priority;
    return a.score !== b.score ? a.score < b.score : a.entry.sequence < b.entry.sequence;
  }
}

const BLANK: OrderedTask = {
  request: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, gpuMillis: 0, custom: {} },
  processors: 0,
  dominantShare: 0,
  expectedSeconds: 0,
  waitSeconds: 0,
  submitSeconds: 0,
  priority: 0,
  deadlineInSeconds: 0,
  owner: '',
  namespace: '',
};
