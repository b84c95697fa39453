import type { GpuShare, Resources } from './resources.ts';
import type { EndReason, TaskId } from './task.ts';

/**
 * assigned   resources reserved, the worker has not confirmed yet (expires after the reservation TTL)
 * starting   the worker confirmed: pulling the image, creating the container
 * running    the process runs
 * stopping   a stop was asked for; waits for the worker's word that the process is dead
 * unknown    the worker is silent; it may or may not still run
 * succeeded | failed | cancelled | lost | superseded   ended; the reservation is free
 */
export type AttemptState = LiveAttemptState | EndedAttemptState;
export type LiveAttemptState = 'assigned' | 'starting' | 'running' | 'stopping' | 'unknown';
export type EndedAttemptState = 'succeeded' | 'failed' | 'cancelled' | 'lost' | 'superseded';

/** Whether an attempt in this state holds its reservation. */
export function isLive(state: AttemptState): state is LiveAttemptState {
  switch (state) {
    case 'assigned':
    case 'starting':
    case 'running':
    case 'stopping':
    case 'unknown':
      return true;
    case 'succeeded':
    case 'failed':
    case 'cancelled':
    case 'lost':
    case 'superseded':
      return false;
  }
}

/** A file that a task left in `/output`. */
export interface Artifact {
  /** Relative path below `/output`, `/`-separated, never with `..`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** `sha256:<hex>` of the content. */
  readonly digest: string;
}

/** What the worker measured and kept of an ended attempt. */
export interface AttemptResult {
  readonly exitCode: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number;
  /** Main process survived while a child was killed for memory. */
  readonly oomInChild: boolean;
  readonly peakMemoryBytes: number | null;
  readonly cpuMillisSeconds: number | null;
  readonly logBytes: { readonly stdout: number; readonly stderr: number; readonly dropped: number };
  readonly artifacts: readonly Artifact[];
  readonly message: string | null;
}

/** One try of a task on one worker. */
export interface Attempt {
  readonly taskId: TaskId;
  /** 1, 2, ...; the fence: only the newest may decide the task's outcome. */
  readonly number: number;
  readonly workerId: string;
  /** The worker's session under which it was dispatched last. */
  readonly session: number;
  readonly state: AttemptState;
  readonly reason: EndReason | null;
  /** What it holds on the worker while live. */
  readonly reserved: Resources;
  readonly gpus: readonly GpuShare[];
  /** Which policy placed it and why, for the record. */
  readonly placedBy: string;
  readonly assignedAt: number;
  /** While assigned: when the reservation is withdrawn unless confirmed. */
  readonly expiresAt: number | null;
  readonly confirmedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Progress text of the starting phase, e.g. `pulling 12.3 MB of 40.0 MB`. Not an event, newest wins. */
  readonly progress: string | null;
  readonly containerId: string | null;
  readonly imageDigest: string | null;
  /** While stopping: why it is being stopped. Becomes the end reason once the process is dead. */
  readonly stopReason: EndReason | null;
  readonly result: AttemptResult | null;
}
