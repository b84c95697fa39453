/**
 * One worker's stream, from hello to its end.
 *
 *   opening     the stream is open                     leaves: hello → connecting; time-out, any other message → closed
 *   connecting  hello is with the engine               leaves: accepted → live; refused → closed
 *   live        welcome was sent; the engine's orders go down, heartbeats, reports and logs come up
 *               leaves: goodbye, end of the stream, closed by the engine, a message out of order → closed
 *   closed      nothing more is read; what waits is sent (a refusal last) and the stream ends
 *
 * A session only carries. The engine decides, by the session's number, what of it still counts; a session whose peer
 * fell silent stays until the connection breaks or the worker begins a newer one.
 */
import type { workerWire as wire } from '@cloudai/api';
import type { Attempt, Effect, Reply, StartAttempt } from '@cloudai/engine';
import type { Store } from '@cloudai/store';
import type { Peer } from '../identity/peer.ts';
import type { FileLogStore } from '../logs/log-store.ts';
import type { MasterLoop } from '../loop.ts';
import { Unavailable } from '../unavailable.ts';
import { LogIntake } from './log-intake.ts';
import { Outbox } from './outbox.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { SessionRegistry } from './registry.ts';
import type { MemoryUsageBook } from './usage-book.ts';
import {
  type AttemptKey,
  assignTask,
  type Down,
  keyText,
  readChunk,
  readHello,
  readKey,
  readReport,
  readUsage,
  WireError,
  writeKey,
} from './wire.ts';

export interface SessionConfig {
  readonly heartbeatMs: number;
  readonly leaseMs: number;
  /** From the opening of the stream to hello. */
  readonly helloMs: number;
}

export interface SessionServices {
  readonly loop: MasterLoop;
  readonly store: Pick<Store, 'attempts'>;
  readonly logs: FileLogStore;
  readonly usage: MemoryUsageBook;
  readonly registry: SessionRegistry;
  readonly config: SessionConfig;
  readonly clusterId: string;
  readonly version: string;
  /** Wall clock, Unix ms. */
  now(): number;
  onWarning(message: string, details: object): void;
  /** W3C trace context of an attempt; empty when it is not traced. */
  traceparent?(key: AttemptKey): string;
}

export type WorkerPeer = Extract<Peer, { kind: 'worker' }>;

/** Reports that may wait for their commit; beyond it the worker is not read from. */
const MOST_UNANSWERED = 256;
/** How long a peer may take for what still waits when its session ends. */
const HANG_UP_MS = 5_000;
const NOTHING: ReadonlySet<string> = new Set();

export class WorkerSession {
  readonly workerId: string;
  readonly peer: WorkerPeer;
  readonly #services: SessionServices;
  readonly #remoteAddress: string | null;
  readonly #outbox = new Outbox();
  readonly #logs: LogIntake;
  readonly #hangUp: () => void;
  #drained = false;
  #state: 'opening' | 'connecting' | 'live' | 'closed' = 'opening';
  #number = 0;
  #draining = false;
  /** What the worker was told to remove at its hello. */
  #abandoned = NOTHING;
  #heartbeat: { sequence: bigint } | null = null;
  #unanswered = 0;
  #answered: (() => void) | null = null;

  /** `hangUp` breaks the connection; for a peer that does not take the end of the stream. */
  constructor(services: SessionServices, peer: WorkerPeer, remoteAddress: string | null, hangUp: () => void) {
    this.#hangUp = hangUp;
    this.workerId = peer.workerId;
    this.peer = peer;
    this.#services = services;
    this.#remoteAddress = remoteAddress;
    this.#logs = new LogIntake({
      logs: services.logs,
      outbox: this.#outbox,
      owns: (key) => this.#owns(key),
      now: () => performance.now(),
      onError: (error) => this.#fail(error),
    });
  }

  /** The engine's number of this session; 0 before the engine accepted it. */
  get number(): number {
    return this.#number;
  }

  get isLive(): boolean {
    return this.#state === 'live';
  }

  /** Carries the stream: takes what comes up, yields what goes down. */
  async *run(requests: AsyncIterable<wire.SessionRequest>): AsyncGenerator<wire.SessionResponse> {
    // Ends by itself when the stream does, which the end of what goes down brings about.
    void this.#read(requests);
    try {
      yield* this.#outbox;
    } finally {
      this.#drained = true;
      this.#end();
    }
  }

  assign(effect: StartAttempt): void {
    this.#send(assignTask(effect, this.#services.traceparent?.(effect)));
  }

  cancel(effect: Extract<Effect, { kind: 'stopAttempt' }>): void {
    const { reason, graceMs } = effect;
    this.#send({ case: 'cancel', value: { key: writeKey(effect), reason, graceMs: BigInt(graceMs) } });
  }

  setDrain(on: boolean): void {
    if (this.#draining === on) return;
    this.#draining = on;
    this.#send({ case: 'drain', value: { on } });
  }

  close({ code, message, retry }: Refusal): void {
    if (this.#state === 'closed') return;
    this.#outbox.push({ case: 'refused', value: { code, message, retry } });
    this.#end();
  }

  // ---- up -----------------------------------------------------------------------------------------

  async #read(requests: AsyncIterable<wire.SessionRequest>): Promise<void> {
    const timer = setTimeout(() => {
      if (this.#state === 'opening')
        this.close(refuse('unavailable', `no hello within ${this.#services.config.helloMs} ms of opening the session`));
    }, this.#services.config.helloMs);
    try {
      for await (const request of requests) {
        await this.#take(request).catch((error: unknown) => this.#fail(error));
        if (this.#state === 'closed') break;
      }
    } catch {
      // The connection broke. That needs no words: nobody is there to hear them.
    } finally {
      clearTimeout(timer);
      this.#end();
    }
  }

  #fail(error: unknown): void {
    if (error instanceof WireError)
      this.close(refuse('invalid_argument', `The worker sent what no worker sends: ${error.message}`));
    else if (error instanceof Unavailable) this.close(refuse(error.code, error.message));
    else {
      this.#services.onWarning('a session failed', { worker: this.workerId, err: error });
      this.close(refuse('unavailable', 'The master could not go on with this session. Connect again.'));
    }
  }

  async #take({ message }: wire.SessionRequest): Promise<void> {
    if (this.#state === 'opening') {
      if (message.case !== 'hello') throw new WireError('the first message is not hello');
      await this.#hello(message.value);
      return;
    }
    switch (message.case) {
      case 'heartbeat':
        this.#beat(message.value);
        return;
      case 'report':
        await this.#report(message.value);
        return;
      case 'log':
        await this.#logs.take(readKey(message.value.key, 'log'), readChunk(message.value));
        return;
      case 'goodbye':
        this.#end();
        return;
      case 'hello':
        throw new WireError('a second hello');
      default:
        // A newer worker says something that this master does not know yet.
        return;
    }
  }

  async #hello(hello: wire.Hello): Promise<void> {
    if (hello.workerId !== this.workerId) {
      this.close(
        refuse('forbidden', `The certificate is that of worker ${this.workerId}, the hello that of ${hello.workerId}.`),
      );
      return;
    }
    this.#state = 'connecting';
    const command = readHello(hello, { certificateSerial: this.peer.serial, remoteAddress: this.#remoteAddress });
    this.#abandoned = await new Promise<ReadonlySet<string>>((resolve) =>
      this.#services.loop.post(command, (outcome) => {
        // Here and not after an await: orders of the same batch follow at once and have to find this session.
        if (this.#state === 'connecting') resolve(this.#connected(outcome));
        else {
          if (!(outcome instanceof Unavailable) && outcome.ok && outcome.kind === 'connected')
            this.#disconnect(outcome.session);
          resolve(NOTHING);
        }
      }),
    );
    for (const key of command.found)
      if (this.isLive && !this.#abandoned.has(keyText(key))) await this.#logs.resume(key);
  }

  /** Returns which of the attempts that were found are to be abandoned. */
  #connected(reply: Reply | Unavailable): ReadonlySet<string> {
    if (reply instanceof Unavailable || !reply.ok) {
      // A clone may become the only one; it may ask again.
      const retry = reply.code === 'duplicate_identity' ? true : undefined;
      this.close(refuse(reply.code, reply.message, retry));
      return NOTHING;
    }
    if (reply.kind !== 'connected') throw new Error(`the engine answered ${reply.kind} to connectWorker`);
    const { loop, config, clusterId, version, registry } = this.#services;
    this.#state = 'live';
    this.#number = reply.session;
    this.#send({
      case: 'welcome',
      value: {
        session: BigInt(reply.session),
        clusterId,
        epoch: BigInt(loop.epoch),
        heartbeatMs: config.heartbeatMs,
        leaseMs: config.leaseMs,
        masterVersion: version,
      },
    });
    for (const key of reply.abandon) this.#send({ case: 'abandon', value: { key: writeKey(key) } });
    registry.add(this);
    this.setDrain(loop.engine.worker(this.workerId)?.drain != null);
    return new Set(reply.abandon.map(keyText));
  }

  #beat(heartbeat: wire.Heartbeat): void {
    if (this.#isForeign(heartbeat.session)) return;
    if (this.#services.now() > this.peer.validUntil) {
      this.close(
        refuse(
          'unauthenticated',
          'The certificate of this session has ended; connect again with the renewed one.',
          true,
        ),
      );
      return;
    }
    const usage = readUsage(heartbeat, this.#services.now());
    if (usage !== null) this.#services.usage.put(this.workerId, usage);
    const waiting = this.#heartbeat;
    if (waiting !== null) {
      // The one before it still waits for the engine and will speak for both.
      waiting.sequence = heartbeat.sequence;
      return;
    }
    const beat = { sequence: heartbeat.sequence };
    this.#heartbeat = beat;
    const unhealthy = heartbeat.unhealthy === '' ? null : heartbeat.unhealthy.slice(0, 4_096);
    this.#services.loop.post(
      { kind: 'heartbeatWorker', workerId: this.workerId, session: this.#number, unhealthy },
      (outcome) => {
        this.#heartbeat = null;
        if (this.#accepted(outcome)) this.#outbox.ackHeartbeat(beat.sequence);
      },
    );
  }

  async #report(message: wire.AttemptReport): Promise<void> {
    if (this.#isForeign(message.session)) return;
    const key = readKey(message.key, 'report');
    const report = readReport(message);
    const { sequence } = message;
    // Sent before the worker heard of the removal. After a restored backup another attempt may have this name by now.
    if (this.#abandoned.has(keyText(key)) && report.phase !== 'ended') {
      this.#send({ case: 'reportAck', value: { sequence, key: writeKey(key), forget: false } });
      return;
    }
    this.#unanswered += 1;
    this.#services.loop.post(
      { kind: 'reportAttempt', workerId: this.workerId, session: this.#number, ...key, report },
      (outcome) => {
        this.#unanswered -= 1;
        this.#answered?.();
        this.#answered = null;
        if (!this.#accepted(outcome)) return;
        const ack = (forget: boolean): void =>
          this.#send({ case: 'reportAck', value: { sequence, key: writeKey(key), forget } });
        // A stuck process may still write; its log is settled with its end.
        if (report.phase !== 'ended' || report.reason === 'stuck') ack(false);
        // The end is durable; the worker hears so, and may forget the attempt, once its log is, too.
        else this.#logs.settle(key, report.result, () => ack(true)).catch((error: unknown) => this.#fail(error));
      },
    );
    while (this.#unanswered >= MOST_UNANSWERED && this.#state === 'live')
      await new Promise<void>((resolve) => (this.#answered = resolve));
  }

  /** False: the engine will not hear this session any more. */
  #accepted(outcome: Reply | Unavailable): boolean {
    if (this.#state !== 'live') return false;
    if (outcome instanceof Unavailable) this.close(refuse(outcome.code, outcome.message));
    else if (!outcome.ok) this.close(refuse(outcome.code, outcome.message));
    else return true;
    return false;
  }

  /** Said in another session than this one: an old message on its way through a proxy, or a confused worker. */
  #isForeign(session: bigint): boolean {
    if (session === BigInt(this.#number)) return false;
    this.close(refuse('fenced', `A message of session ${session} came in session ${this.#number}.`));
    return true;
  }

  async #owns({ taskId, attempt }: AttemptKey): Promise<boolean> {
    const known = this.#services.loop.engine.attempt(taskId, attempt);
    if (known !== null) return known.workerId === this.workerId;
    const stored: Attempt | undefined = (await this.#services.store.attempts(taskId)).find(
      (one) => one.number === attempt,
    );
    return stored?.workerId === this.workerId;
  }

  // ---- down ---------------------------------------------------------------------------------------

  #send(message: Down): void {
    if (this.#outbox.push(message) || this.#state === 'closed') return;
    this.#services.onWarning('a worker does not take its orders; its session is closed', { worker: this.workerId });
    this.#end();
  }

  #end(): void {
    const was = this.#state;
    if (was === 'closed') return;
    this.#state = 'closed';
    this.#logs.close();
    this.#outbox.end();
    this.#answered?.();
    if (!this.#drained) setTimeout(() => this.#drained || this.#hangUp(), HANG_UP_MS).unref();
    if (was !== 'live') return;
    this.#services.registry.remove(this);
    this.#disconnect(this.#number);
  }

  #disconnect(session: number): void {
    // Refused when it was replaced already, and unavailable when the master stops: both need nothing more.
    this.#services.loop.post({ kind: 'disconnectWorker', workerId: this.workerId, session }, () => {});
  }
}
