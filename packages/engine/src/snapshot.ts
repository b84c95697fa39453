/** What a store gives back at start: every row the engine needs, in any order. */
import type { ClusterRow } from './change.ts';
import type { Attempt } from './model/attempt.ts';
import type { Task } from './model/task.ts';
import type { ApiToken, IdempotencyRecord, Namespace, User } from './model/tenancy.ts';
import type { Worker } from './model/worker.ts';

export interface Snapshot {
  readonly cluster: ClusterRow | null;
  /** Tasks that have not ended, all of them; ended ones only as far as the engine still keeps them. */
  readonly tasks: readonly Task[];
  /** Every attempt of those tasks. */
  readonly attempts: readonly Attempt[];
  readonly workers: readonly Worker[];
  readonly namespaces: readonly Namespace[];
  readonly users: readonly User[];
  readonly tokens: readonly ApiToken[];
  readonly idempotency: readonly IdempotencyRecord[];
}
