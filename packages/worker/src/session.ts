/**
 * One connection to the master, from hello to its end.
 *
 *   greeting   hello is sent; the first message down must be welcome (or refused), of no master of before
 *   open       heartbeats up and their acknowledgements down; assignments, reports, logs
 *   ended      by the master (refused), by us (stopped), or lost: the connection broke or fell silent
 *
 * Reports and log bytes outlive a session; they stay with their attempts until the master has them.
 */
import { create } from '@bufbuild/protobuf';
import { workerWire } from '@cloudai/api';
import { type Client, Code, ConnectError } from '@connectrpc/connect';
import type { Logger } from 'pino';
import type { AttemptRunner } from './attempt-runner.ts';
import type { Clock } from './clock.ts';
import { type AttemptKey, keyText } from './core/attempt.ts';
import { foundPhase } from './core/machine.ts';
import type { Lease } from './lease.ts';
import type { WorkerObserver } from './observer.ts';
import { Outbox } from './outbox.ts';
import type { Supervisor } from './supervisor.ts';
import type { MachineUsage } from './telemetry.ts';
import { keyFromWire, keyToWire, sampleToWire, specFromWire, streamFromWire, up, usageToWire } from './wire.ts';

const WELCOME_MS = 15_000;
/** Heartbeats spread out, so that workers that connected together do not beat together. */
const HEARTBEAT_SPREAD = 0.2;
/** Unacknowledged for this many intervals: the connection is dead, whatever TCP believes. */
const SILENT_INTERVALS = 3;
/** The master says at the welcome where each log goes on; without a word it is repeated from the last acknowledgement. */
const RESUME_WORD_MS = 5_000;
const GOODBYE_MS = 2_000;

export type SessionEnd =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'lost'; readonly message: string /** It had been welcomed. */; readonly wasOpen: boolean }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string; readonly retry: boolean };

export interface SessionOptions {
  readonly client: Client<typeof workerWire.WorkerService>;
  readonly supervisor: Supervisor;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Everything of the hello but the attempts. */
  readonly hello: () => Omit<workerWire.Hello, 'found' | '$typeName' | '$unknown'>;
  readonly unhealthy: () => string;
  readonly usage: () => MachineUsage | null;
  /** Called after each heartbeat; measures for the next one. */
  readonly measure: () => void;
  /** False: a master of before, whose orders no longer hold. */
  readonly acceptsEpoch: (epoch: bigint) => boolean;
  readonly onWelcome: (welcome: workerWire.Welcome) => void;
  readonly onDrain: (on: boolean) => void;
  readonly observer?: WorkerObserver | undefined;
}

export class Session {
  readonly #options: SessionOptions;
  readonly #outbox: Outbox;
  readonly #abort = new AbortController();
  #id: bigint | null = null;
  #end: SessionEnd | null = null;
  #heartbeat = 0n;
  #heartbeatMs = 0;
  #sentAt = new Map<bigint, number>();
  #acknowledgedAt = 0;
  #timers = new Set<() => void>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.clock);
  }

  /** Null until the master has welcomed this session. */
  get id(): bigint | null {
    return this.#id;
  }

  /** Runs the session to its end; never rejects. */
  async run(): Promise<SessionEnd> {
    const { client, supervisor } = this.#options;
    const found = [...supervisor.runners.values()];
    supervisor.onWake((runner) => this.#outbox.ready(runner));
    this.#outbox.control(this.#hello(found));
    this.#after(WELCOME_MS, () => {
      if (this.#id === null) this.#lose(`no welcome within ${WELCOME_MS} ms`);
    });
    try {
      for await (const { message } of client.session(this.#outbox, { signal: this.#abort.signal })) {
        this.#onMessage(message, found);
        if (this.#end !== null && this.#end.kind !== 'stopped') break;
      }
      this.#lose('the master closed the session');
    } catch (error) {
      this.#fail(error);
    } finally {
      for (const cancel of this.#timers) cancel();
      supervisor.onWake(() => {});
      this.#outbox.close();
      this.#abort.abort();
    }
    return this.#end ?? { kind: 'stopped' };
  }

  /** Says goodbye and ends; containers go on. */
  stop(reason: string): void {
    if (this.#end !== null) return;
    this.#end = { kind: 'stopped' };
    this.#outbox.control(up({ case: 'goodbye', value: create(workerWire.GoodbyeSchema, { reason }) }));
    this.#outbox.close();
    this.#after(GOODBYE_MS, () => this.#abort.abort());
  }

  #hello(found: readonly AttemptRunner[]): ReturnType<typeof up> {
    const attempts = found.map(({ key, state, startedAt }) =>
      create(workerWire.FoundAttemptSchema, {
        key: keyToWire(key),
        phase: foundPhase(state),
        startedAt: BigInt(startedAt ?? 0),
      }),
    );
    return up({ case: 'hello', value: create(workerWire.HelloSchema, { ...this.#options.hello(), found: attempts }) });
  }

  #onMessage(message: workerWire.SessionResponse['message'], found: readonly AttemptRunner[]): void {
    if (this.#id === null && message.case !== 'welcome' && message.case !== 'refused') {
      this.#lose(`the master began with "${message.case}" instead of a welcome`);
      return;
    }
    switch (message.case) {
      case 'welcome':
        this.#welcome(message.value, found);
        return;
      case 'heartbeatAck':
        this.#onHeartbeatAck(message.value.sequence);
        return;
      case 'assign':
        this.#assign(message.value);
        return;
      case 'cancel':
        this.#withKey(message.value.key, (key) =>
          this.#options.supervisor.cancel(key, message.value.reason, Number(message.value.graceMs)),
        );
        return;
      case 'reportAck':
        this.#withRunner(message.value.key, (runner) => {
          const { sequence, forget } = message.value;
          const phase = this.#outbox.phaseOf(runner, sequence);
          if (phase !== null) runner.acknowledge(phase, forget);
        });
        return;
      case 'logAck':
        this.#withRunner(message.value.key, (runner) =>
          runner.acknowledgeLog(streamFromWire(message.value.stream), Number(message.value.offset)),
        );
        return;
      case 'logResume':
        this.#withRunner(message.value.key, (runner) => {
          const { stdoutOffset, stderrOffset } = message.value;
          runner.resumeLog({ stdout: Number(stdoutOffset), stderr: Number(stderrOffset) });
          this.#outbox.resumed(runner);
        });
        return;
      case 'abandon':
        this.#withKey(message.value.key, (key) => this.#options.supervisor.abandon(key));
        return;
      case 'drain':
        this.#options.onDrain(message.value.on);
        return;
      case 'refused': {
        const { code, message: text, retry } = message.value;
        this.#end ??= { kind: 'refused', code, message: text, retry };
        return;
      }
      case undefined:
        return; // A newer master says something that this worker does not know yet.
    }
  }

  #welcome(welcome: workerWire.Welcome, found: readonly AttemptRunner[]): void {
    if (this.#id !== null) return;
    const { supervisor, lease, clock, onWelcome, acceptsEpoch } = this.#options;
    if (!acceptsEpoch(welcome.epoch)) {
      this.#lose(`its epoch ${welcome.epoch} is over, another master has led since; stop this one`);
      return;
    }
    this.#id = welcome.session;
    this.#heartbeatMs = Math.max(1, welcome.heartbeatMs);
    this.#acknowledgedAt = clock.now();
    lease.begin(welcome.leaseMs);
    onWelcome(welcome);
    this.#outbox.open(welcome.session, supervisor.runners.values(), found);
    this.#after(RESUME_WORD_MS, () => {
      for (const runner of found) {
        if (!this.#outbox.isAwaitingResume(runner)) continue;
        this.#options.log.warn({ attempt: keyText(runner.key) }, 'no word on where the log goes on; repeating it');
        runner.resendLog();
        this.#outbox.resumed(runner);
      }
    });
    this.#beat();
  }

  /** Tells the master now what it would be told with the next heartbeat. */
  beatNow(): void {
    if (this.#id !== null && this.#end === null) this.#sendHeartbeat();
  }

  #beat(): void {
    const { clock, random, measure } = this.#options;
    const silentMs = clock.now() - this.#acknowledgedAt;
    if (silentMs > SILENT_INTERVALS * this.#heartbeatMs) {
      this.#lose(`the master acknowledged nothing for ${Math.round(silentMs)} ms`);
      return;
    }
    this.#sendHeartbeat();
    measure();
    const spread = 1 + HEARTBEAT_SPREAD * (2 * random() - 1);
    this.#after(this.#heartbeatMs * spread, () => this.#beat());
  }

  #sendHeartbeat(): void {
    const { clock, supervisor, usage, unhealthy } = this.#options;
    this.#heartbeat += 1n;
    this.#sentAt.set(this.#heartbeat, clock.now());
    const machine = usage();
    const attempts = [...supervisor.runners.values()].flatMap(({ key, sample, state }) =>
      sample === null ? [] : [sampleToWire(key, sample, gpuOf(machine, state.spec.gpus))],
    );
    const value = create(workerWire.HeartbeatSchema, {
      session: this.#id ?? 0n,
      sequence: this.#heartbeat,
      ...(machine === null ? {} : { usage: usageToWire(machine) }),
      attempts,
      unhealthy: unhealthy(),
    });
    this.#outbox.control(up({ case: 'heartbeat', value }));
    this.#options.observer?.onHeartbeat?.(null);
  }

  #onHeartbeatAck(sequence: bigint): void {
    const sentAt = this.#sentAt.get(sequence);
    if (sentAt === undefined) return;
    for (const earlier of this.#sentAt.keys()) if (earlier <= sequence) this.#sentAt.delete(earlier);
    const { lease, clock, supervisor } = this.#options;
    this.#acknowledgedAt = clock.now();
    this.#options.observer?.onHeartbeat?.(clock.now() - sentAt);
    lease.renew(sentAt);
    if (lease.isFresh(clock.now())) supervisor.leaseRenewed();
  }

  #assign(assign: workerWire.AssignTask): void {
    this.#withKey(assign.key, (key) => {
      try {
        this.#options.supervisor.assign(key, specFromWire(assign));
      } catch (error) {
        this.#options.supervisor.refuse(key, (error as Error).message);
      }
    });
  }

  #withKey(wire: workerWire.AttemptKey | undefined, act: (key: AttemptKey) => void): void {
    let key: AttemptKey;
    try {
      key = keyFromWire(wire);
    } catch (error) {
      // Nothing can be done about an attempt without a name; the session is fine.
      this.#options.log.error({ err: error }, 'a message of the master makes no sense');
      return;
    }
    act(key);
  }

  #withRunner(wire: workerWire.AttemptKey | undefined, act: (runner: AttemptRunner) => void): void {
    this.#withKey(wire, (key) => {
      const runner = this.#options.supervisor.runners.get(keyText(key));
      if (runner !== undefined) act(runner);
    });
  }

  #after(delayMs: number, callback: () => void): void {
    const cancel = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
  }

  #lose(message: string): void {
    this.#end ??= { kind: 'lost', message, wasOpen: this.#id !== null };
    this.#abort.abort();
  }

  #fail(error: unknown): void {
    const failure = ConnectError.from(error);
    if (failure.code === Code.Unauthenticated || failure.code === Code.PermissionDenied) {
      const code = failure.code === Code.Unauthenticated ? 'unauthenticated' : 'permission_denied';
      this.#end ??= { kind: 'refused', code, message: failure.rawMessage, retry: false };
      return;
    }
    this.#lose(failure.rawMessage);
  }
}

/** How busy the devices of an attempt are; they are its own, or it shares them. */
function gpuOf(machine: MachineUsage | null, shares: readonly { readonly index: number }[]): number | null {
  const busy = shares.flatMap(({ index }) => machine?.gpus?.[index]?.busy ?? []);
  return busy.length === 0 ? null : busy.reduce((sum, each) => sum + each, 0) / busy.length;
}
