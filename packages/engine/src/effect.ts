/** Requests to the outside, performed after the commit; each is safe to repeat. */
import type { GpuShare, Resources } from './model/resources.ts';
import type { EndReason, TaskId, TaskSpec } from './model/task.ts';

export type Effect =
  | StartAttempt
  | {
      readonly kind: 'stopAttempt';
      readonly workerId: string;
      readonly session: number;
      readonly taskId: TaskId;
      readonly attempt: number;
      readonly reason: EndReason;
      readonly graceMs: number;
    }
  /** Close the session; `message` tells the worker's operator what to do. */
  | {
      readonly kind: 'closeSession';
      readonly workerId: string;
      readonly session: number;
      readonly code: string;
      readonly message: string;
    };

export interface StartAttempt {
  readonly kind: 'startAttempt';
  readonly workerId: string;
  readonly session: number;
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly namespace: string;
  readonly owner: string;
  readonly name: string | null;
  readonly spec: TaskSpec;
  readonly reserved: Resources;
  readonly gpus: readonly GpuShare[];
  /** Digest pinned by an earlier attempt; null: resolve the tag. */
  readonly imageDigest: string | null;
}
