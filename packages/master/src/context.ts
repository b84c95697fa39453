/** The parts of a running master and how they meet. `process.ts` builds them; operations and sessions use them. */
import type { Change, ClusterEvent, Command, Engine, Reply } from '@cloudai/engine';
import type { Store } from '@cloudai/store';
import type { StoreAuditView } from './store-audit.ts';
import type { Telemetry } from './telemetry/index.ts';

/** The only caller of `engine.apply`. */
export interface Loop {
  /** Reads only; between two awaits its state does not change. Ask for it anew after each. */
  readonly engine: Engine;
  /** Resolves once the command's changes are durable; rejects with `Unavailable`, which carries a code of the catalogue. */
  submit(command: Command): Promise<Reply>;
  /**
   * Resolves once everything that the engine's state shows now is durable, so that an answer can not be taken back;
   * rejects with `Unavailable` when it will not be.
   */
  settled(): Promise<void>;
  /** Called after each commit, in order, with everything it made durable. Must not throw or block. */
  onCommitted(listener: (changes: readonly Change[]) => void): () => void;
  /** Longest recent delay of the event loop, ms. */
  lagMs(): number;
  /** True while the disk is full: submits are refused, ends and cancels go on. */
  storeFull(): boolean;
}

/** A piece of an attempt's log as it was stored. */
export interface LogRecord {
  readonly stream: 'stdout' | 'stderr';
  /** Position of the first byte in its stream. */
  readonly offset: number;
  /** When the worker read it, Unix ms. */
  readonly at: number;
  readonly data: Uint8Array;
}

export interface LogState {
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly droppedBytes: number;
  /** No further bytes will come. */
  readonly complete: boolean;
}

/** Durable logs by (task, attempt). Reading never buffers more than one block per reader. */
/** A place in each stream of a log, in bytes. */
export interface LogOffsets {
  readonly stdout: number;
  readonly stderr: number;
}

export interface LogStore {
  state(taskId: string, attempt: number): Promise<LogState | null>;
  /**
   * Records in order of arrival; with `follow` it goes on until the log is complete or the signal fires. `from` leaves
   * out the bytes before these offsets; those near the end are found without reading what is before.
   */
  read(
    taskId: string,
    attempt: number,
    options: { readonly follow: boolean; readonly from?: LogOffsets; readonly signal?: AbortSignal },
  ): AsyncIterable<LogRecord>;
  /** The last records that hold at least `lines` line ends, and where to go on reading. */
  tail(
    taskId: string,
    attempt: number,
    lines: number,
  ): Promise<{ readonly records: readonly LogRecord[]; readonly end: LogOffsets }>;
  remove(taskId: string): Promise<void>;
}

export interface ArtifactStore {
  /** A stored file, or null. `range` in bytes, end exclusive. */
  open(
    taskId: string,
    attempt: number,
    path: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<{ readonly sizeBytes: number; readonly stream: NodeJS.ReadableStream } | null>;
  remove(taskId: string): Promise<void>;
}

/** Newest measurements, in memory only. */
export interface WorkerUsage {
  readonly at: number;
  /** 0..1 */
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly gpu: number;
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
  readonly attempts: readonly AttemptUsage[];
}

export interface AttemptUsage {
  readonly taskId: string;
  readonly attempt: number;
  readonly cpuMicros: number;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  readonly storageBytes: number;
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
  /** 0..1 of its devices; null where they are not measured. */
  readonly gpu?: number | null;
  /** Since the start, from block devices; null where the engine does not say. */
  readonly diskReadBytes?: number | null;
  readonly diskWriteBytes?: number | null;
  readonly paused: boolean;
}

export interface UsageBook {
  worker(id: string): WorkerUsage | null;
  onUsage(listener: (workerId: string, usage: WorkerUsage) => void): () => void;
}

/** Makes and checks what identities rest on; `identity/` implements it. */
export interface Identity {
  readonly clusterId: string;
  /** `CAIJ1.<sha256 hex of the root CA's DER>.<worker id>.<secret>`, and what the engine stores of it. */
  makeJoinToken(workerId: string): { readonly token: string; readonly hash: string };
  /** `cai_<id>_<secret>`, and what the engine stores of it. That of a session has the id `<parent>.<id>`. */
  makeApiToken(parent?: string): { readonly id: string; readonly token: string; readonly hash: string };
  hashApiToken(token: string): string;
  /** Root certificate in PEM, for clients that talk TLS to the REST port. */
  readonly rootPem: string;
}

export interface MasterContext {
  readonly loop: Loop;
  readonly store: Store;
  readonly logs: LogStore;
  readonly artifacts: ArtifactStore;
  readonly usage: UsageBook;
  readonly telemetry: Telemetry;
  readonly identity: Identity;
  readonly version: string;
  readonly startedAt: number;
  /** `host:port` that workers dial, for join commands. */
  readonly workerEndpoint: string;
  /** What the audit of the store after this start has found so far. */
  storeAudit(): StoreAuditView;
  /** Wall clock, Unix ms; tests pass their own. */
  now(): number;
  newId(): string;
}

export type { ClusterEvent };
