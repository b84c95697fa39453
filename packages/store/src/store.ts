/**
 * Where changes are kept. A store keeps what the engine decided and gives it back; it decides nothing.
 * One conformance suite (`conformance.ts`) holds every adapter to this contract.
 */
import type { Attempt, Change, ClusterEvent, EndReason, Job, Snapshot, Task, TaskState } from '@cloudai/engine';

/** Opaque position in a listing; given back unchanged to get the next page. */
export type Cursor = string;

export interface Page<T> {
  readonly items: readonly T[];
  /** null: this was the last page. */
  readonly next: Cursor | null;
}

export interface TaskFilter {
  /** Only these namespaces; the caller passes what its subject may read. */
  readonly namespaces: readonly string[] | 'all';
  readonly states?: readonly TaskState[];
  readonly reasons?: readonly EndReason[];
  readonly owner?: string;
  readonly jobId?: string;
  readonly name?: string;
  readonly image?: string;
  /** Tasks with an attempt on this worker. */
  readonly workerId?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly idPrefix?: string;
  readonly submittedAfter?: number;
  readonly submittedBefore?: number;
}

export type TaskOrder = 'newest' | 'oldest' | 'priority';

export interface EventFilter {
  readonly namespaces: readonly string[] | 'all';
  readonly taskId?: string;
  readonly workerId?: string;
  readonly kinds?: readonly string[];
}

/** How long ended things are kept, ms; null: for ever. */
export interface Retention {
  readonly endedTasksMs: number | null;
  readonly eventsMs: number | null;
}

export interface Pruned {
  /** Ids of tasks that are gone with their attempts; the caller removes their logs and artifacts. */
  readonly taskIds: readonly string[];
  readonly events: number;
}

/** A finding of `fsck`: which invariant, where, what was found. */
export interface Finding {
  readonly invariant: string;
  readonly message: string;
}

export interface StoreInfo {
  readonly schema: number;
  readonly clusterId: string;
  readonly sizeBytes: number;
}

export interface Store {
  /** Everything that has not ended, and the rest that the engine keeps in memory. Ended tasks not older than `endedSince`. */
  load(endedSince: number): Promise<Snapshot>;
  /**
   * One transaction, durable when it resolves. `epoch` is compared inside it: a lower one than the
   * stored one rejects with StoreError `stale_epoch`. After any rejection the store refuses further
   * commits until it is opened again.
   */
  commit(epoch: number, changes: readonly Change[]): Promise<void>;
  task(id: string): Promise<Task | null>;
  tasks(filter: TaskFilter, order: TaskOrder, limit: number, cursor: Cursor | null): Promise<Page<Task>>;
  /** Tasks per state, for those namespaces. */
  countTasks(filter: TaskFilter): Promise<Readonly<Partial<Record<TaskState, number>>>>;
  attempts(taskId: string): Promise<readonly Attempt[]>;
  attemptsOnWorker(workerId: string, limit: number, cursor: Cursor | null): Promise<Page<Attempt>>;
  job(id: string): Promise<Job | null>;
  /** Events with a sequence above `after`, oldest first. */
  events(filter: EventFilter, after: number, limit: number): Promise<readonly ClusterEvent[]>;
  /** Removes what retention allows, in bounded steps. */
  prune(retention: Retention, now: number): Promise<Pruned>;
  /** A consistent copy while the store is in use. `path` must not exist. */
  backup(path: string): Promise<void>;
  /** Audits the stored rows against the invariants marked Q. */
  fsck(): Promise<readonly Finding[]>;
  info(): Promise<StoreInfo>;
  close(): Promise<void>;
}

export type StoreErrorCode =
  | 'store_missing'
  | 'store_exists'
  | 'store_foreign'
  | 'store_corrupt'
  | 'store_newer'
  | 'store_locked'
  | 'store_full'
  | 'store_io'
  | 'stale_epoch'
  | 'store_failed';

/** The world misbehaving below the store: says which file and what to do. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}

export interface OpenOptions {
  /** Create an empty store; without it a missing one is an error and never made silently. */
  readonly create?: { readonly clusterId: string };
  /** Open for reading and auditing while a master may hold it. */
  readonly readOnly?: boolean;
}

/** Opens the adapter that the URL names: `sqlite:/path/to/cloudai.db` (default), later others. */
export type OpenStore = (url: string, options?: OpenOptions) => Promise<Store>;
