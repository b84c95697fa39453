/** Whoever wants to know what attempts do, beside the master: metrics, traces. It changes nothing and must not throw. */
import type { AttemptKey, AttemptResult } from './core/attempt.ts';

/**
 * pull     the image was made present
 * create   its container was made
 * start    and started
 * run      its process, from start to end
 * report   from the end until the master has all of it
 */
export type PhaseName = 'pull' | 'create' | 'start' | 'run' | 'report';

export interface Phase {
  readonly name: PhaseName;
  readonly key: AttemptKey;
  /** W3C trace context of the attempt, as the master gave it; null where nobody traces. */
  readonly traceparent: string | null;
  /** Unix ms. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Why it failed; null when it did not. */
  readonly error: string | null;
}

/** What an attempt used since it was measured before. */
export interface Used {
  readonly cpuMicros: number;
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
  readonly diskReadBytes: number;
  readonly diskWriteBytes: number;
}

export interface WorkerObserver {
  onPhase?(phase: Phase): void;
  onEnded?(result: AttemptResult): void;
  onUsed?(used: Used): void;
  onHeartbeat?(roundTripMs: number | null): void;
}

/** One observer of many. */
export function observers(all: readonly WorkerObserver[]): WorkerObserver {
  return {
    onPhase: (phase) => {
      for (const each of all) each.onPhase?.(phase);
    },
    onEnded: (result) => {
      for (const each of all) each.onEnded?.(result);
    },
    onUsed: (used) => {
      for (const each of all) each.onUsed?.(used);
    },
    onHeartbeat: (roundTripMs) => {
      for (const each of all) each.onHeartbeat?.(roundTripMs);
    },
  };
}
