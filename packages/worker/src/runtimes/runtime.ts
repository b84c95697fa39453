/**
 * What runs an attempt. A runtime starts and stops things and tells what it sees; it decides nothing.
 * `docker` is the real one; `scripted` plays a program of outcomes in virtual or real time for tests,
 * simulation and the farm of many workers.
 */
import type { AttemptKey, RunSpec } from '../core/attempt.ts';
import type { ContainerExit } from '../core/classify.ts';
import type { StreamName } from '../core/log-ledger.ts';
import type { PreparedImage } from '../core/state.ts';

export type { ContainerExit, PreparedImage };

export interface RuntimeHealth {
  readonly ok: boolean;
  /** Why it can run nothing now, and what to do. */
  readonly message: string | null;
  /** Changes whenever the daemon was restarted. */
  readonly instance: string | null;
}

export interface StartedContainer {
  readonly containerId: string;
  /** Unix ms, by the runtime's own account. */
  readonly startedAt: number;
  /** How much of the start went into creating it. */
  readonly createMs?: number;
}

export interface FoundContainer {
  readonly key: AttemptKey;
  readonly containerId: string;
  readonly state: 'created' | 'running' | 'paused' | 'exited';
  readonly startedAt: number | null;
  /** The spec as it was written into the container's labels at creation. */
  readonly spec: RunSpec;
  readonly image: PreparedImage;
}

export interface LogData {
  readonly stream: StreamName;
  readonly data: Uint8Array;
}

/** The next bytes, or the number of those that were written and can not be had. */
export type LogPiece = LogData | { readonly stream: StreamName; readonly missing: number };

export interface LogNotes {
  /** What is missing of the log although it was written, for people. */
  readonly loss: string | null;
  /** The command could not be run: what the container's init process said. */
  readonly commandError: string | null;
}

export interface ContainerStats {
  readonly cpuMicros: number;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
  /** Since the start, on block devices; null where the engine does not say. */
  readonly diskReadBytes?: number | null;
  readonly diskWriteBytes?: number | null;
  readonly paused: boolean;
}

export interface OutputFile {
  /** Relative path below /output, `/`-separated. */
  readonly path: string;
  readonly sizeBytes: number;
  open(): AsyncIterable<Uint8Array>;
}

export interface Outputs {
  readonly files: readonly OutputFile[];
  /** What was left out and why (sockets, links, limits), for people. */
  readonly skipped: string | null;
  /** A limit kept files out that the task had reason to expect. */
  readonly overLimit: boolean;
}

/** Failures carry what they mean for the attempt. */
export class RuntimeError extends Error {
  readonly reason: 'image_error' | 'command_error' | 'start_error' | 'output_error';
  /** 126 or 127 for a command that could not be run, like a shell's. */
  readonly exitCode: number | null;
  constructor(reason: RuntimeError['reason'], message: string, options: { cause?: unknown; exitCode?: number } = {}) {
    super(message, options);
    this.name = 'RuntimeError';
    this.reason = reason;
    this.exitCode = options.exitCode ?? null;
  }
}

export interface Runtime {
  readonly name: string;
  health(): Promise<RuntimeHealth>;
  /** Makes the image present; reports progress; bounded in time. */
  prepare(spec: RunSpec, onProgress: (text: string) => void, signal: AbortSignal): Promise<PreparedImage>;
  /** Creates (idempotent by name) and starts. */
  start(key: AttemptKey, spec: RunSpec, image: PreparedImage): Promise<StartedContainer>;
  /** Resolves when the container has ended, also after daemon restarts; rejects only on abort. */
  wait(key: AttemptKey, containerId: string, signal: AbortSignal): Promise<ContainerExit>;
  /** Sends the stop signal, waits for the grace, kills. Safe to repeat. Resolves when the process is dead. */
  stop(key: AttemptKey, containerId: string, graceMs: number): Promise<void>;
  /** Removes the container and all it left (volumes, output directory). Safe to repeat. */
  remove(key: AttemptKey): Promise<void>;
  /**
   * All bytes from the start of the container's log, then live ones until it ends; also over daemon restarts. A slow
   * reader does not slow the container. Once `isEnough` says so, bytes may be told as `missing` instead of read.
   */
  logs(key: AttemptKey, containerId: string, isEnough: () => boolean, signal: AbortSignal): AsyncIterable<LogPiece>;
  /** What reading the log showed; asked after `logs` has ended. */
  logNotes(key: AttemptKey): LogNotes;
  /** Null when there is nothing to measure (any more). */
  stats(key: AttemptKey, containerId: string): Promise<ContainerStats | null>;
  /** Bytes of the writable layer and the output directory. */
  storageBytes(key: AttemptKey, containerId: string): Promise<number>;
  /** The regular files below /output, asked after the process is dead. */
  outputs(key: AttemptKey, containerId: string, limitBytes: number): Promise<Outputs>;
  /** Every container of this cluster and worker. */
  list(): Promise<readonly FoundContainer[]>;
  /** Once, after `list` and before anything is started: removes what attempts without a container left. */
  removeLeftovers(known: readonly AttemptKey[]): Promise<void>;
  /** A folder on the disk that containers write to; null when it can not be seen from here. */
  storagePath(): string | null;
  /** Lets go; containers go on. */
  close(): Promise<void>;
}
