/** A worker as the engine sees one: it says hello, sends heartbeats and reports, all when the case says so. */
import type { ConnectWorker, Reply, ReportAttempt } from '../command.ts';
import type { AttemptResult } from '../model/attempt.ts';
import type { EndReason } from '../model/task.ts';
import { result } from './builders.ts';

interface Machine {
  readonly now: number;
  apply(command: ConnectWorker | ReportAttempt | Heartbeat | Goodbye): Reply;
  attempt(taskId: string): { readonly number: number };
}

interface Heartbeat {
  readonly kind: 'heartbeatWorker';
  readonly workerId: string;
  readonly session: number;
  readonly unhealthy: string | null;
}

interface Goodbye {
  readonly kind: 'disconnectWorker';
  readonly workerId: string;
  readonly session: number;
}

export class TestWorker {
  readonly id: string;
  /** The session that its last accepted hello began. */
  session = 0;
  /** Whether `advance` sends its heartbeats. */
  alive = false;
  readonly #cluster: Machine;
  readonly #hello: ConnectWorker;

  constructor(cluster: Machine, greeting: ConnectWorker) {
    this.id = greeting.workerId;
    this.#cluster = cluster;
    this.#hello = greeting;
  }

  connect(rest: Partial<ConnectWorker> = {}): Reply {
    const reply = this.#cluster.apply({ ...this.#hello, ...rest });
    if (reply.ok && reply.kind === 'connected') {
      this.session = reply.session;
      this.alive = true;
    }
    return reply;
  }

  heartbeat(unhealthy: string | null = null, session = this.session): Reply {
    return this.#cluster.apply({ kind: 'heartbeatWorker', workerId: this.id, session, unhealthy });
  }

  /** No further heartbeats; the connection stays. */
  fallSilent(): void {
    this.alive = false;
  }

  /** The connection is gone as well. */
  disconnect(session = this.session): Reply {
    this.alive = false;
    return this.#cluster.apply({ kind: 'disconnectWorker', workerId: this.id, session });
  }

  starting(taskId: string, options: ReportOptions & { readonly progress?: string } = {}): Reply {
    return this.#report(taskId, { phase: 'starting', progress: options.progress ?? null }, options);
  }

  running(
    taskId: string,
    options: ReportOptions & { readonly imageDigest?: string; readonly startedAt?: number } = {},
  ): Reply {
    const { startedAt = this.#cluster.now, imageDigest = null } = options;
    return this.#report(
      taskId,
      { phase: 'running', startedAt, containerId: `container-${taskId}`, imageDigest },
      options,
    );
  }

  /** The usual way: confirmed, then running. */
  run(taskId: string): void {
    this.starting(taskId);
    this.running(taskId);
  }

  ended(taskId: string, reason: EndReason = 'exit_zero', options: EndOptions = {}): Reply {
    const exitCode = options.exitCode ?? EXIT_CODES[reason] ?? null;
    return this.#report(
      taskId,
      { phase: 'ended', reason, result: result(exitCode, this.#cluster.now, options.result) },
      options,
    );
  }

  #report(taskId: string, report: ReportAttempt['report'], { attempt, session }: ReportOptions): Reply {
    return this.#cluster.apply({
      kind: 'reportAttempt',
      workerId: this.id,
      session: session ?? this.session,
      taskId,
      attempt: attempt ?? this.#cluster.attempt(taskId).number,
      report,
    });
  }
}

export interface ReportOptions {
  /** The newest one unless said otherwise. */
  readonly attempt?: number;
  readonly session?: number;
}

export interface EndOptions extends ReportOptions {
  readonly exitCode?: number;
  readonly result?: Partial<AttemptResult>;
}

const EXIT_CODES: Partial<Record<EndReason, number>> = {
  exit_zero: 0,
  exit_nonzero: 1,
  oom: 137,
  timeout: 143,
  cancelled_by_user: 143,
};
