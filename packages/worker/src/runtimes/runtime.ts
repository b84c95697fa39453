/**
 * What runs an attempt. A runtime starts and stops things and tells what it sees; it decides nothing.
 * `docker` is the real one; `scripted` plays a program of outcomes in virtual or real time for tests,
 * simulation and the farm of many workers.
 */
import type { AttemptKey, RunSpec } from '../core/attempt.ts';

export interface RuntimeHealth {
  readonly ok: boolean;
  /** Why it can run nothing now, and what to do. */
  readonly message: string | null;
  /** Changes whenever the daemon was restarted. */
  readonly instance: string | null;
}

export interface PreparedImage {
  /** What `start` is to use: an id that can not change under us. */
  readonly imageId: string;
  /** `name@sha256:...` for pinning, null for a purely local image. */
  readonly digest: string | null;
}

export interface StartedContainer {
  readonly containerId: string;
  readonly startedAt: number;
}

/** What the runtime knows of an ended container. */
export interface ContainerExit {
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** The main process did not end by itself or by us: killed or removed from outside. */
  readonly external: boolean;
  /** The daemon was restarted and took the container down. */
  readonly daemonRestart: boolean;
  readonly startedAt: number | null;
  readonly endedAt: number;
  readonly error: string | null;
}

export interface FoundContainer {
  readonly key: AttemptKey;
  readonly containerId: string;
  readonly state: 'created' | 'running' | 'paused' | 'exited';
  readonly startedAt: number | null;
  /** The spec as it was written into the container's labels at creation. */
  readonly spec: RunSpec;
  readonly imageDigest: string | null;
}

export interface LogPiece {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

export interface ContainerStats {
  readonly cpuMicros: number;
  readonly memoryBytes: number;
  readonly memoryPeakBytes: number;
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
  readonly paused: boolean;
}

export interface OutputFile {
  /** Relative path below /output. */
  readonly path: string;
  readonly sizeBytes: number;
  open(): AsyncIterable<Uint8Array>;
}

/** Failures carry what they mean for the attempt. */
export class RuntimeError extends Error {
  readonly reason: 'image_error' | 'command_error' | 'start_error' | 'output_error';
  constructor(reason: RuntimeError['reason'], message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RuntimeError';
    this.reason = reason;
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
  /** All bytes from the start of the container's log, then live ones until it ends. */
  logs(key: AttemptKey, containerId: string, signal: AbortSignal): AsyncIterable<LogPiece>;
  stats(key: AttemptKey, containerId: string): Promise<ContainerStats | null>;
  /** Bytes of the writable layer and the output directory. */
  storageBytes(key: AttemptKey, containerId: string): Promise<number>;
  outputs(key: AttemptKey, containerId: string): Promise<readonly OutputFile[]>;
  /** Every container of this cluster and worker. */
  list(): Promise<readonly FoundContainer[]>;
  close(): Promise<void>;
}
