import type { Resources } from './resources.ts';
import type { SchedulingTerms } from './terms.ts';

/** 16 characters of `[a-z2-7]`; made at the edge, any unique prefix addresses the task. */
export type TaskId = string;

/**
 * pending    waits for a dependency, a start time or a retry's back-off
 * queued     may start as soon as a worker has room (and its namespace quota allows)
 * assigned   a worker's resources are reserved; pulling, starting
 * running    its process runs
 * completed | failed | cancelled   ended; nothing follows
 */
export type TaskState = 'pending' | 'queued' | 'assigned' | 'running' | TerminalTaskState;
export type TerminalTaskState = 'completed' | 'failed' | 'cancelled';

export function isTerminal(state: TaskState): state is TerminalTaskState {
  return state === 'completed' || state === 'failed' || state === 'cancelled';
}

/** Whether a task in this state holds nothing yet: it can still be re-prioritised and counts as backlog. */
export function isWaiting(state: TaskState): state is 'pending' | 'queued' {
  return state === 'pending' || state === 'queued';
}

/** Why an attempt or a task ended the way it did. */
export type EndReason =
  | 'exit_zero'
  | 'exit_nonzero'
  | 'oom'
  | 'timeout'
  | 'queue_timeout'
  | 'image_error'
  | 'command_error'
  | 'storage_limit'
  | 'log_limit'
  | 'output_error'
  | 'stuck'
  | 'poison'
  | 'worker_lost'
  | 'external'
  | 'daemon_restart'
  | 'start_error'
  | 'withdrawn'
  | 'evicted'
  | 'preempted'
  | 'dependency_failed'
  | 'cancelled_by_user'
  | 'superseded';

/** How the process is named: the image's own default, a line for `/bin/sh -c`, or an argument list. */
export type TaskCommand =
  | { readonly kind: 'image' }
  | { readonly kind: 'shell'; readonly line: string }
  | { readonly kind: 'exec'; readonly args: readonly string[] };

/** When a failed attempt is tried again at the user's expense. Infrastructure failures have their own budget. */
export interface RetryRule {
  /** How many further attempts failures of the task itself may cost. Default 0. */
  readonly limit: number;
  /** Retry only these exit codes; null: any non-zero one. */
  readonly exitCodes: readonly number[] | null;
  /** Retry only these reasons; null: every retryable one of the user's side. */
  readonly reasons: readonly EndReason[] | null;
  /** First wait; doubles (times `factor`) with each user failure up to `maxMs`. */
  readonly backoffMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

/** What was asked for. Never edited after submit; defaults are filled in before it reaches the engine. */
export interface TaskSpec {
  readonly image: string;
  readonly command: TaskCommand;
  /** Replaces the image's entrypoint; null keeps it. */
  readonly entrypoint: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string | null;
  readonly user: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly request: Resources;
  /** Runs only on this worker. */
  readonly targetWorker: string | null;
  /** Runs only on workers that carry all of these labels with these values. */
  readonly selector: Readonly<Record<string, string>>;
  /** What it asks of the scheduler beside; `model/terms.ts` has the defaults. */
  readonly terms?: Partial<SchedulingTerms>;
  /** 0..100, larger first. Default 50. What was asked for; the queue goes by `Task.priority`. */
  readonly priority: number;
  /** Wished end, Unix ms. Orders the queue after priority. */
  readonly deadlineAt: number | null;
  /** Not before this time, Unix ms. */
  readonly startAfter: number | null;
  /** Tasks that have to complete first. */
  readonly dependsOn: readonly TaskId[];
  /** Longest run time of one attempt, ms. */
  readonly timeoutMs: number | null;
  /** Longest time from submit to first start, ms. */
  readonly queueTimeoutMs: number | null;
  readonly stopSignal: string | null;
  readonly stopGraceMs: number;
  readonly retry: RetryRule;
  readonly profile: 'standard' | 'restricted';
  readonly network: 'bridge' | 'none';
  readonly pull: 'always' | 'missing' | 'never';
  /** Log bytes kept per attempt, both streams together. */
  readonly logLimitBytes: number;
  /** What happens beyond it: keep running with the rest dropped and counted, or fail the attempt. */
  readonly logPolicy: 'truncate' | 'fail';
}

/** The live state of a task. */
export interface Task {
  readonly id: TaskId;
  readonly namespace: string;
  readonly owner: string;
  readonly name: string | null;
  readonly jobId: string | null;
  /** The task whose spec this one repeats, when a user retried an ended one. */
  readonly retryOf: TaskId | null;
  readonly spec: TaskSpec;
  /** Starts as `spec.priority`; `setPriority` changes it while the task waits. Orders the queue. */
  readonly priority: number;
  readonly state: TaskState;
  /** Set in terminal states only. */
  readonly reason: EndReason | null;
  /** One sentence for people: why it ended, or why it waits. */
  readonly message: string | null;
  readonly exitCode: number | null;
  readonly submittedAt: number;
  /** FIFO order inside equal priority and deadline; kept through retries. */
  readonly sequence: number;
  /** While pending: the time from which it may be queued (start time or back-off). */
  readonly eligibleAt: number | null;
  /** While pending: parents that have not completed yet. */
  readonly waitsFor: readonly TaskId[];
  readonly queuedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** Number of the newest attempt, 0 before the first. It is the fence. */
  readonly fence: number;
  readonly userFailures: number;
  readonly infraFailures: number;
  /** Workers lost within a minute of starting this task (poison count). */
  readonly suspectWorkers: readonly string[];
  /** Digest of the image that the first attempt resolved; pinned for retries. */
  readonly imageDigest: string | null;
  /** A user asked for cancellation; it waits for the worker to confirm the stop. */
  readonly cancelRequested: boolean;
  /** +1 with every change. */
  readonly version: number;
}
