/**
 * Where changes are kept. A store keeps what the engine decided and gives it back; it decides nothing.
 * One conformance suite (`conformance.ts`) holds every adapter to this contract.
 */
import type { Attempt, Change, ClusterEvent, EndReason, Job, Snapshot, Task, TaskState } from '@cloudai/engine';

/**
 * Opaque position in a listing; given back unchanged, with the same filter and order, to get the next page. Any other
 * one rejects with a RangeError.
 */
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
  /** The id begins with this, or name or image contain it; ASCII letters in either case. */
  readonly search?: string;
  /** Submitted at this time or later. */
  readonly submittedAfter?: number;
  /** Submitted before this time. */
  readonly submittedBefore?: number;
}

/** `priority`: larger first, then oldest first, as the queue goes. */
export type TaskOrder = 'newest' | 'oldest' | 'priority';

/** `newest` lists the events before a sequence, the last one first. */
export type EventOrder = 'oldest' | 'newest';

export interface JobFilter {
  readonly namespaces: readonly string[] | 'all';
  readonly owner?: string;
  /** Name of the job. */
  readonly name?: string;
}

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
  /** The highest epoch that committed here, or that a restore raised it to. A new leader takes the next one. */
  readonly epoch: number;
  readonly sizeBytes: number;
}

/** How the store is at this moment; kept up to date without asking, so that reading it costs nothing. */
export interface StoreHealth {
  /**
   * ok      commits go through
   * full    the disk is full; commits go through on the reserve: refuse what makes new work. Ends by itself
   * failed  commits are refused until the store is opened again
   */
  readonly state: 'ok' | 'full' | 'failed';
  readonly message: string | null;
  /** Free bytes on the store's disk, when last looked at. */
  readonly freeBytes: number;
  /** Bytes set aside for the time when the disk is full; 0 while they are in use. */
  readonly reserveBytes: number;
}

export interface Store {
  /** Everything that has not ended, and the rest that the engine keeps in memory. Ended tasks not older than `endedSince`. */
  load(endedSince: number): Promise<Snapshot>;
  /**
   * One transaction, durable when it resolves. `epoch` is compared inside it: a lower one than the
   * stored one rejects with StoreError `stale_epoch`. After any rejection but `store_full` the store
   * refuses further commits until it is opened again. After `store_full`, which comes only when the
   * reserve is used up too, nothing of this commit is stored: repeat the same changes or load again.
   */
  commit(epoch: number, changes: readonly Change[]): Promise<void>;
  task(id: string): Promise<Task | null>;
  tasks(filter: TaskFilter, order: TaskOrder, limit: number, cursor: Cursor | null): Promise<Page<Task>>;
  /** Tasks per state, for those namespaces. */
  countTasks(filter: TaskFilter): Promise<Readonly<Partial<Record<TaskState, number>>>>;
  attempts(taskId: string): Promise<readonly Attempt[]>;
  attemptsOnWorker(workerId: string, limit: number, cursor: Cursor | null): Promise<Page<Attempt>>;
  job(id: string): Promise<Job | null>;
  /** The newest first. */
  jobs(filter: JobFilter, limit: number, cursor: Cursor | null): Promise<Page<Job>>;
  /**
   * Events with a sequence above `from`, oldest first; with the order `newest` those below it, newest first. Events without a namespace (workers, users) are
   * only in `namespaces: 'all'`. Once a task is pruned, `taskId` no longer finds its events.
   */
  events(filter: EventFilter, from: number, limit: number, order?: EventOrder): Promise<readonly ClusterEvent[]>;
  /** Removes what retention allows, in bounded steps. */
  prune(retention: Retention, now: number): Promise<Pruned>;
  /** A consistent copy while the store is in use. `path` must not exist. */
  backup(path: string): Promise<void>;
  /**
   * Audits the stored rows against the invariants marked Q. With a signal it does so in the background: it takes only
   * the time that others leave, slows no commit, and ends with the signal.
   */
  fsck(background?: AbortSignal): Promise<readonly Finding[]>;
  info(): Promise<StoreInfo>;
  health(): StoreHealth;
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
  /** Bytes kept free beside the store for the time when the disk is full. Default 64 MiB; 0: none. */
  readonly reserveBytes?: number;
}

/** Opens the adapter that the URL names: `sqlite:/path/to/cloudai.db` (default), later others. */
export type OpenStore = (url: string, options?: OpenOptions) => Promise<Store>;

export interface RestoreOptions {
  /** Replace an existing store; it is kept aside. */
  readonly force?: boolean;
  /** The highest epoch known to have led, when the store that knew it is lost. */
  readonly epoch?: number;
}

export interface Restored {
  /** The epoch that the store is at now; the next leader takes one above it. */
  readonly epoch: number;
  /** Where the replaced store is kept; null when there was none. */
  readonly replaced: string | null;
}
