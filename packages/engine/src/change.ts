/** What `apply` did, as after-images of the rows it touched plus event records. Stores keep them and decide nothing. */
import type { Attempt } from './model/attempt.ts';
import type { Scheduling } from './model/scheduling.ts';
import type { Task, TaskId } from './model/task.ts';
import type { ApiToken, IdempotencyRecord, Job, Namespace, User } from './model/tenancy.ts';
import type { Worker } from './model/worker.ts';

export type Change =
  /** `created` tells the store that the spec is new; later images carry the same spec. */
  | { readonly kind: 'task'; readonly created: boolean; readonly row: Task }
  | { readonly kind: 'attempt'; readonly row: Attempt }
  | { readonly kind: 'job'; readonly row: Job }
  | { readonly kind: 'worker'; readonly row: Worker }
  | { readonly kind: 'workerRemoved'; readonly workerId: string }
  | { readonly kind: 'namespace'; readonly row: Namespace }
  | { readonly kind: 'user'; readonly row: User }
  | { readonly kind: 'token'; readonly row: ApiToken }
  | { readonly kind: 'idempotency'; readonly row: IdempotencyRecord }
  | { readonly kind: 'idempotencyExpired'; readonly namespace: string; readonly key: string }
  | { readonly kind: 'cluster'; readonly row: ClusterRow }
  | { readonly kind: 'event'; readonly row: ClusterEvent };

/** The engine's scalars. */
export interface ClusterRow {
  readonly epoch: number;
  /** Last used task sequence and event sequence. */
  readonly taskSequence: number;
  readonly eventSequence: number;
  readonly placement: string;
  /** Round-robin's cursor: the worker id chosen last. */
  readonly cursor: string | null;
  /** What was set beside the placement policy; `DEFAULT_SCHEDULING` where nothing was. */
  readonly scheduling?: Scheduling;
}

export type EventKind =
  | 'task_submitted'
  | 'task_queued'
  | 'task_assigned'
  | 'task_starting'
  | 'task_running'
  | 'task_stopping'
  | 'task_retrying'
  | 'task_preempted'
  | 'task_completed'
  | 'task_failed'
  | 'task_cancelled'
  | 'task_cancel_requested'
  | 'task_priority_set'
  | 'attempt_unknown'
  | 'attempt_lost'
  | 'attempt_superseded'
  | 'attempt_resumed'
  | 'late_result'
  | 'worker_added'
  | 'worker_joined'
  | 'worker_connected'
  | 'worker_updated'
  | 'worker_disconnected'
  | 'worker_suspect'
  | 'worker_lost'
  | 'worker_removed'
  | 'worker_drain_started'
  | 'worker_drain_ended'
  | 'worker_labelled'
  | 'worker_unhealthy'
  | 'worker_healthy'
  | 'worker_duplicate'
  | 'namespace_put'
  | 'user_put'
  | 'token_put'
  | 'token_revoked'
  | 'scheduler_used'
  | 'master_started';

/** One line of the cluster's timeline and audit trail. `sequence` has no gap and no repeat. */
export interface ClusterEvent {
  readonly sequence: number;
  readonly at: number;
  readonly kind: EventKind;
  readonly namespace: string | null;
  readonly taskId: TaskId | null;
  readonly attempt: number | null;
  readonly workerId: string | null;
  /** The user who asked, or null when the cluster acted by itself. */
  readonly by: string | null;
  /** One sentence for people. */
  readonly message: string | null;
}
