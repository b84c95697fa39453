/**
 * The states of an attempt on a worker, what can happen to it and what it asks for. `machine.ts` says what leads where.
 */
import type { Artifact, AttemptEnd, AttemptKey, AttemptReport, AttemptResult, LogTotals, RunSpec } from './attempt.ts';
import type { ContainerExit, StopRequest } from './classify.ts';

/** What `start` is to use: an id that can not change under us. */
export interface PreparedImage {
  readonly imageId: string;
  /** `name@sha256:...` for pinning, null for a purely local image. */
  readonly digest: string | null;
}

export interface Common {
  readonly key: AttemptKey;
  readonly spec: RunSpec;
  /** The master keeps nothing of this attempt: remove it without a word. */
  readonly abandoned: boolean;
}

export type AttemptState =
  | Preparing
  | Starting
  | Running
  | Stopping
  | Collecting
  | Ended
  | (Common & { readonly phase: 'removing' })
  | (Common & { readonly phase: 'gone' });

export interface Preparing extends Common {
  readonly phase: 'preparing';
  /** Present once the image is there; then only the lease is waited for. */
  readonly image: PreparedImage | null;
}
interface Starting extends Common {
  readonly phase: 'starting';
  readonly image: PreparedImage;
  readonly stop: (StopRequest & { readonly graceMs: number }) | null;
}
export interface Running extends Common {
  readonly phase: 'running';
  readonly containerId: string;
  /** When the run time is used up, by the clock of `now`; null without a limit. */
  readonly deadlineAt: number | null;
}
interface Stopping extends Common {
  readonly phase: 'stopping';
  readonly containerId: string;
  readonly stop: StopRequest & { readonly graceMs: number };
  /** From here on it counts as stuck. */
  readonly stuckAt: number;
  /** When the master hears that it is stuck; null once it was told. */
  readonly tellStuckAt: number | null;
  readonly repeatAt: number;
}
export interface Collecting extends Common {
  readonly phase: 'collecting';
  readonly containerId: string;
  readonly end: AttemptEnd;
  readonly logs: LogTotals | null;
  readonly outputs: CollectedOutputs | null;
  readonly usage: PeakUsage;
}
interface Ended extends Common {
  readonly phase: 'ended';
  readonly result: AttemptResult;
}

export interface CollectedOutputs {
  readonly artifacts: readonly Artifact[];
  /** What was left out, for people. */
  readonly message: string | null;
  /** The files could not be kept as the task had reason to expect: a success becomes `output_error`. */
  readonly failed: boolean;
}

export interface PeakUsage {
  readonly memoryBytes: number | null;
  readonly cpuMillisSeconds: number | null;
}

export type AttemptEvent =
  | { readonly kind: 'prepared'; readonly image: PreparedImage; readonly leaseFresh: boolean }
  | { readonly kind: 'leaseRenewed' }
  | { readonly kind: 'progress'; readonly text: string }
  /** Image, create or start failed for good; there is no process. */
  | {
      readonly kind: 'notStarted';
      readonly reason: AttemptEnd['reason'];
      readonly message: string;
      readonly exitCode: number | null;
      readonly wallNow: number;
    }
  /** `ranForMs` is 0 for a fresh start and larger for a container that was found running. */
  | {
      readonly kind: 'started';
      readonly containerId: string;
      readonly startedAt: number;
      readonly ranForMs: number;
      readonly imageDigest: string | null;
    }
  | {
      readonly kind: 'stop';
      readonly reason: AttemptEnd['reason'];
      readonly message: string | null;
      readonly graceMs: number;
      readonly wallNow: number;
    }
  | { readonly kind: 'abandon' }
  | { readonly kind: 'exited'; readonly exit: ContainerExit; readonly usage: PeakUsage }
  | { readonly kind: 'logsComplete'; readonly totals: LogTotals }
  | { readonly kind: 'outputsCollected'; readonly outputs: CollectedOutputs }
  | { readonly kind: 'storageMeasured'; readonly bytes: number }
  | { readonly kind: 'logLimitReached' }
  /** The master has the result, the log and the files. */
  | { readonly kind: 'forget' }
  | { readonly kind: 'removed' }
  | { readonly kind: 'tick'; readonly wallNow: number };

/** Requests to the outside; each is safe to repeat. */
export type AttemptAction =
  | { readonly kind: 'prepare' }
  | { readonly kind: 'abortPrepare' }
  | { readonly kind: 'start'; readonly image: PreparedImage }
  /** Wait for the end and read the log. */
  | { readonly kind: 'watch'; readonly containerId: string }
  | { readonly kind: 'stop'; readonly containerId: string; readonly graceMs: number; readonly stop: StopRequest }
  | { readonly kind: 'collect'; readonly containerId: string; readonly limitBytes: number }
  | { readonly kind: 'report'; readonly report: AttemptReport }
  | { readonly kind: 'remove' }
  | { readonly kind: 'forget' };

export interface Step {
  readonly state: AttemptState;
  readonly actions: readonly AttemptAction[];
}
