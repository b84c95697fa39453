/** The answer to "why is my task waiting?", for every waiting task, per worker. */

import type { ResourceName } from './model/resources.ts';
import type { TaskId, TaskState } from './model/task.ts';

/** One reason why one worker can not take the task now. Numbers in the resource's own unit. */
export type Obstacle =
  | {
      readonly kind: 'insufficient';
      readonly resource: ResourceName;
      readonly available: number;
      readonly required: number;
      readonly capacity: number /** e.g. `Insufficient CPU: worker has 2.00 available, task requires 3.00` */;
      readonly message: string;
    }
  | {
      readonly kind:
        | 'not_target'
        | 'not_connected'
        | 'suspect'
        | 'draining'
        | 'unhealthy'
        | 'label_mismatch'
        | 'gpu_model_mismatch'
        | 'gpu_fragmented'
        | 'avoided';
      readonly message: string;
    };

export interface WorkerVerdict {
  readonly workerId: string;
  /** Empty: the task fits here now. */
  readonly obstacles: readonly Obstacle[];
  /** Whether an empty, healthy worker of this size could ever take it. */
  readonly couldEverFit: boolean;
  /** Scores by scorer name where it fits. */
  readonly scores: Readonly<Record<string, number>>;
}

export interface Explanation {
  readonly taskId: TaskId;
  readonly state: TaskState;
  /** Why it waits, in one sentence; for a single worker or a target, exactly the refusal text. */
  readonly summary: string;
  /** 1 = next of all queued tasks; null when not queued. */
  readonly position: number | null;
  readonly waitingMs: number;
  readonly couldEverFit: boolean;
  readonly workers: readonly WorkerVerdict[];
  /** The cheapest change that would admit it, or null when it only has to wait for its turn. */
  readonly advice: string | null;
}
