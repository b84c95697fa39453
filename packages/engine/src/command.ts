/**
 * Everything that can happen to the cluster. Commands are imperatives from the edge; ids, hashes and
 * times arrive inside them or beside them (`apply(command, now)`), never from the engine itself.
 */
import type { AttemptResult } from './model/attempt.ts';
import type { Resources } from './model/resources.ts';
import type { Scheduling, ScopeKind } from './model/scheduling.ts';
import type { EndReason, TaskId, TaskSpec, TerminalTaskState } from './model/task.ts';
import type { Role } from './model/tenancy.ts';
import type { WorkerCapacity } from './model/worker.ts';
import type { LeaseClaim } from './stages/lease.ts';

export interface NewTask {
  readonly id: TaskId;
  readonly name: string | null;
  readonly spec: TaskSpec;
  readonly retryOf: TaskId | null;
}

export type Command =
  /** Once after load: grace for every worker, timers from state. */
  | { readonly kind: 'recover'; readonly epoch: number }
  /** Time went by. Also runs the schedule pass when it is due. */
  | { readonly kind: 'tick' }
  | SubmitTasks
  | { readonly kind: 'cancelTask'; readonly taskId: TaskId; readonly by: string; readonly message: string | null }
  | {
      readonly kind: 'setPriority';
      readonly taskId: TaskId;
      readonly priority: number;
      readonly by: string;
      /** Only while the task has this version. */
      readonly ifVersion?: number;
    }
  | CommitPlan
  /** An external scheduler is about to be shown the state and wants to decide. */
  | { readonly kind: 'leaseScheduler'; readonly agent: string }
  | RegisterWorker
  | { readonly kind: 'unregisterWorker'; readonly workerId: string; readonly by: string; readonly force: boolean }
  | JoinWorker
  /** A certificate is shown that was issued to the holder of `renews`; it counts if that one is the current one. */
  | {
      readonly kind: 'renewWorker';
      readonly workerId: string;
      readonly certificateSerial: string;
      readonly renews: string;
    }
  | ConnectWorker
  | {
      readonly kind: 'heartbeatWorker';
      readonly workerId: string;
      readonly session: number;
      readonly unhealthy: string | null;
    }
  | { readonly kind: 'disconnectWorker'; readonly workerId: string; readonly session: number }
  | DrainWorker
  | {
      readonly kind: 'labelWorker';
      readonly workerId: string;
      readonly set: Readonly<Record<string, string>>;
      readonly remove: readonly string[];
      readonly by: string;
    }
  | ReportAttempt
  | UseScheduler
  | { readonly kind: 'putNamespace'; readonly name: string; readonly quota: Resources | null; readonly by: string }
  | {
      readonly kind: 'putUser';
      readonly name: string;
      readonly role: Role;
      readonly namespaces: readonly string[];
      readonly disabled: boolean;
      readonly by: string;
    }
  | {
      readonly kind: 'putToken';
      readonly id: string;
      readonly user: string;
      readonly hash: string;
      readonly expiresAt: number | null;
      readonly by: string;
    }
  | { readonly kind: 'revokeToken'; readonly id: string; readonly by: string };

/** Chooses how waiting tasks are ordered and placed. What is left out stays as it is. */
export interface UseScheduler {
  readonly kind: 'useScheduler';
  /** Of the whole cluster, or of `scope`; null ends the policy that a scope has of its own. */
  readonly placement?: string | null;
  readonly scope?: { readonly kind: ScopeKind; readonly name: string } | null;
  readonly settings?: Partial<Omit<Scheduling, 'scopes'>>;
  readonly by: string;
}

export type CommandKind = Command['kind'];

/** All or nothing: one bad task rejects the whole call. */
export interface SubmitTasks {
  readonly kind: 'submitTasks';
  readonly namespace: string;
  readonly owner: string;
  readonly tasks: readonly NewTask[];
  /** Set when the tasks form a job. */
  readonly job: { readonly id: string; readonly name: string | null } | null;
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null;
  /** Ends of parents that are no longer in the engine's memory, looked up in the store by the caller. */
  readonly knownOutcomes: Readonly<Record<TaskId, TerminalTaskState>>;
}

/** A plan made elsewhere (external scheduler, operator's `dispatch`); re-checked like any other. */
export interface CommitPlan {
  readonly kind: 'commitPlan';
  readonly planner: string;
  readonly assignments: readonly { readonly taskId: TaskId; readonly workerId: string }[];
  /** The planner is an external scheduler: nothing is taken unless it holds the lease. */
  readonly claim?: LeaseClaim;
}

/** Makes a worker id known, or gives a known one a new join token and address. */
export interface RegisterWorker {
  readonly kind: 'registerWorker';
  readonly workerId: string;
  readonly address: string | null;
  readonly joinTokenHash: string;
  readonly joinTokenExpiresAt: number;
  /** Known id: refuse (`worker_exists`) or hand out a fresh token. */
  readonly renew: boolean;
  readonly by: string;
}

/** Consumes the join token; the certificate with this serial is handed out only after the commit. */
export interface JoinWorker {
  readonly kind: 'joinWorker';
  readonly workerId: string;
  readonly joinTokenHash: string;
  readonly certificateSerial: string;
}

/** A live attempt that the worker found in its runtime at hello. */
export interface FoundAttempt {
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly phase: 'starting' | 'running' | 'stopping' | 'ended';
  readonly startedAt: number | null;
}

export interface ConnectWorker {
  readonly kind: 'connectWorker';
  readonly workerId: string;
  readonly certificateSerial: string;
  readonly incarnation: string;
  readonly version: string;
  readonly remoteAddress: string | null;
  readonly capacity: WorkerCapacity;
  readonly labels: Readonly<Record<string, string>>;
  readonly found: readonly FoundAttempt[];
  readonly unhealthy: string | null;
}

export interface DrainWorker {
  readonly kind: 'drainWorker';
  readonly workerId: string;
  /** null ends the drain. With a deadline, what still runs then is stopped and placed elsewhere. */
  readonly drain: { readonly deadlineAt: number | null; readonly reason: string | null } | null;
  readonly by: string;
}

/** The worker's word about one attempt. Replays and stale ones are answered, never obeyed. */
export interface ReportAttempt {
  readonly kind: 'reportAttempt';
  readonly workerId: string;
  readonly session: number;
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly report: /** Accepted; preparing. Repeated with newer progress text. */
    | { readonly phase: 'starting'; readonly progress: string | null }
    | {
        readonly phase: 'running';
        readonly startedAt: number;
        readonly containerId: string;
        readonly imageDigest: string | null;
      }
    | { readonly phase: 'ended'; readonly reason: EndReason; readonly result: AttemptResult };
}

/** Codes of expected refusals; `api/src/errors.ts` gives each its HTTP status and documentation. */
export type RejectionCode =
  | 'invalid_argument'
  | 'namespace_unknown'
  | 'user_unknown'
  | 'token_unknown'
  | 'task_exists'
  | 'task_unknown'
  | 'task_ended'
  | 'task_not_waiting'
  | 'precondition_failed'
  | 'dependency_unknown'
  | 'dependency_cycle'
  | 'dependency_failed'
  | 'idempotency_conflict'
  | 'queue_full'
  | 'insufficient_resources'
  | 'worker_exists'
  | 'worker_unknown'
  | 'worker_not_registered'
  | 'worker_not_active'
  | 'worker_revoked'
  | 'worker_busy'
  | 'join_token_invalid'
  | 'certificate_superseded'
  | 'duplicate_identity'
  | 'fenced'
  | 'scheduler_unknown'
  | 'quota_exceeded';

export interface Rejection {
  readonly ok: false;
  readonly code: RejectionCode;
  /** What was asked, what was found, what to do. */
  readonly message: string;
  /** Which task of the call, when one is to blame. */
  readonly taskIndex?: number;
}

export function reject(code: RejectionCode, message: string): Rejection {
  return { ok: false, code, message };
}

/** What `apply` answers for each kind of command. */
export type Accepted =
  | { readonly ok: true; readonly kind: 'done' }
  | {
      readonly ok: true;
      readonly kind: 'submitted';
      readonly taskIds: readonly TaskId[];
      readonly jobId: string | null /** An earlier call with the same key. */;
      readonly replayed: boolean;
    }
  /** `changed` is false when the task had ended or was already being cancelled. */
  | { readonly ok: true; readonly kind: 'cancelled'; readonly changed: boolean }
  /** `abandon` lists found attempts that are superseded or unknown: stop and remove their containers. */
  | {
      readonly ok: true;
      readonly kind: 'connected';
      readonly session: number;
      readonly abandon: readonly { readonly taskId: TaskId; readonly attempt: number }[];
    }
  /** Who holds the lease now, and until when; nobody under another policy than `external`. */
  | { readonly ok: true; readonly kind: 'leased'; readonly agent: string | null; readonly until: number | null }
  /** `accepted` false: stale (fenced) or a repeat; the worker may forget the attempt all the same. */
  | { readonly ok: true; readonly kind: 'reported'; readonly accepted: boolean }
  | {
      readonly ok: true;
      readonly kind: 'planned';
      readonly committed: number;
      readonly refused: readonly {
        readonly taskId: TaskId;
        readonly workerId: string;
        readonly code: RejectionCode;
        readonly message: string;
      }[];
    };

export type Reply = Accepted | Rejection;
