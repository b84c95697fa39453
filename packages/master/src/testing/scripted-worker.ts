/**
 * A worker that lives by itself without a runtime: what it is assigned it plays from a script, over the real protocol.
 * It behaves as a real one does when connections break or the master restarts: it comes back with what it has, repeats
 * reports that were not acknowledged, and sends logs again from where it is told to. Many of them make a farm.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { workerWire as wire } from '@cloudai/api';
import { type DownMessage, FAKE_CAPACITY, type FakeSession, type FakeWorker } from './fake-worker.ts';

export interface Script {
  /** From the assignment to the process. */
  readonly startMs?: number;
  readonly runMs: number;
  readonly exitCode?: number;
  /** Said evenly over the run. */
  readonly stdout?: Uint8Array;
  readonly stderr?: Uint8Array;
}

export interface ScriptedWorkerOptions {
  readonly capacity?: MessageInitShape<typeof wire.ResourcesSchema>;
  play(assign: wire.AssignTask): Script;
  readonly reconnectMs?: number;
  /** How much of a log goes out at a time. */
  readonly chunkBytes?: number;
}

type StreamName = 'stdout' | 'stderr';

interface Play {
  readonly key: { readonly taskId: string; readonly attempt: number };
  readonly script: Script;
  state: 'starting' | 'running' | 'ended';
  startedAt: number;
  endedAt: number;
  reason: string;
  exitCode: number;
  readonly sent: Record<StreamName, number>;
  readonly lastSent: Record<StreamName, boolean>;
  readonly timers: NodeJS.Timeout[];
}

const EMPTY = new Uint8Array(0);
/** Log bytes on the way and not acknowledged, per attempt. */
const WINDOW_BYTES = 2 ** 20;
const LOG_EVERY_MS = 10;
const WELCOME_MS = 10_000;

export class ScriptedWorker {
  readonly worker: FakeWorker;
  readonly plays = new Map<string, Play>();
  /** Attempts that were played to the end and forgotten on the master's word. */
  forgotten = 0;
  sessions = 0;
  readonly #options: ScriptedWorkerOptions;
  #session: FakeSession | null = null;
  #open = false;
  #stopped = false;
  #wake: (() => void) | null = null;
  #beat: NodeJS.Timeout | null = null;
  #logTimer: NodeJS.Timeout | null = null;
  #living: Promise<void> | null = null;
  readonly #acked = new Map<string, Record<StreamName, number>>();

  constructor(worker: FakeWorker, options: ScriptedWorkerOptions) {
    this.worker = worker;
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#open;
  }

  start(): void {
    this.#living ??= this.#live();
  }

  /** Breaks the connection; it comes back by itself. */
  breakConnection(): void {
    this.worker.disconnect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake?.();
    for (const play of this.plays.values()) for (const timer of play.timers) clearTimeout(timer);
    this.#session?.send({ case: 'goodbye', value: { reason: 'stopped' } });
    this.#session?.close();
    const timer = setTimeout(() => this.worker.disconnect(), 500);
    await this.#living;
    clearTimeout(timer);
    this.worker.disconnect();
  }

  async #live(): Promise<void> {
    while (!this.#stopped) {
      const found = [...this.plays.values()].map((play) => ({
        key: { ...play.key },
        phase: play.state,
        startedAt: BigInt(play.startedAt),
      }));
      const capacity = this.#options.capacity ?? FAKE_CAPACITY;
      this.#session = this.worker.hello({ capacity, found } as never, (message) => this.#take(message));
      const patience = setTimeout(() => this.#open || this.worker.disconnect(), WELCOME_MS);
      await this.#session.ended;
      clearTimeout(patience);
      this.#leave();
      if (!this.#stopped)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          setTimeout(resolve, this.#options.reconnectMs ?? 20);
        });
    }
  }

  #leave(): void {
    this.#open = false;
    this.#session = null;
    if (this.#beat !== null) clearInterval(this.#beat);
    if (this.#logTimer !== null) clearInterval(this.#logTimer);
    this.#beat = null;
    this.#logTimer = null;
  }

  #take(message: DownMessage): void {
    switch (message.case) {
      case 'welcome':
        this.#welcome(message.value);
        return;
      case 'assign':
        this.#assign(message.value);
        return;
      case 'cancel':
        this.#end(keyOf(message.value.key), message.value.reason, 143);
        return;
      case 'abandon':
        this.#forget(keyOf(message.value.key));
        return;
      case 'reportAck':
        if (!message.value.forget) return;
        this.#forget(keyOf(message.value.key));
        this.forgotten += 1;
        return;
      case 'logAck': {
        const { key, stream, offset } = message.value;
        const acked = this.#ackedOf(keyOf(key));
        acked[stream === wire.LogStream.STDOUT ? 'stdout' : 'stderr'] = Number(offset);
        return;
      }
      case 'logResume': {
        const play = this.plays.get(keyOf(message.value.key));
        if (play === undefined) return;
        play.sent.stdout = Number(message.value.stdoutOffset);
        play.sent.stderr = Number(message.value.stderrOffset);
        Object.assign(this.#ackedOf(keyOf(message.value.key)), play.sent);
        play.lastSent.stdout = false;
        play.lastSent.stderr = false;
        this.#sendLogs(play);
        return;
      }
      default:
        return;
    }
  }

  #welcome(welcome: wire.Welcome): void {
    const session = this.#session;
    if (session === null) return;
    session.number = welcome.session;
    this.#open = true;
    this.sessions += 1;
    session.heartbeat();
    this.#beat = setInterval(() => session.heartbeat(), welcome.heartbeatMs * (0.8 + 0.4 * Math.random()));
    this.#logTimer = setInterval(() => {
      for (const play of this.plays.values()) this.#sendLogs(play);
    }, LOG_EVERY_MS);
    for (const play of this.plays.values()) this.#report(play);
  }

  #assign(assign: wire.AssignTask): void {
    const key = keyOf(assign.key);
    const known = this.plays.get(key);
    if (known !== undefined) {
      this.#report(known);
      return;
    }
    const script = this.#options.play(assign);
    const play: Play = {
      key: { taskId: assign.key!.taskId, attempt: assign.key!.attempt },
      script,
      state: 'starting',
      startedAt: 0,
      endedAt: 0,
      reason: '',
      exitCode: 0,
      sent: { stdout: 0, stderr: 0 },
      lastSent: { stdout: false, stderr: false },
      timers: [],
    };
    this.plays.set(key, play);
    this.#report(play);
    play.timers.push(
      setTimeout(() => {
        play.state = 'running';
        play.startedAt = Date.now();
        this.#report(play);
        play.timers.push(setTimeout(() => this.#end(key, null, script.exitCode ?? 0), script.runMs));
      }, script.startMs ?? 0),
    );
  }

  #end(key: string, reason: string | null, exitCode: number): void {
    const play = this.plays.get(key);
    if (play === undefined || play.state === 'ended') return;
    for (const timer of play.timers) clearTimeout(timer);
    play.state = 'ended';
    play.endedAt = Date.now();
    play.exitCode = exitCode;
    play.reason = reason ?? (exitCode === 0 ? 'exit_zero' : 'exit_nonzero');
    this.#sendLogs(play);
    this.#report(play);
  }

  #forget(key: string): void {
    const play = this.plays.get(key);
    for (const timer of play?.timers ?? []) clearTimeout(timer);
    this.plays.delete(key);
    this.#acked.delete(key);
  }

  #report(play: Play): void {
    if (!this.#open) return;
    if (play.state === 'starting') this.#session?.report(play.key, { case: 'starting', value: { progress: '' } });
    else if (play.state === 'running')
      this.#session?.report(play.key, {
        case: 'running',
        value: { startedAt: BigInt(play.startedAt), containerId: `fake-${play.key.taskId}`, imageDigest: '' },
      });
    else
      this.#session?.report(play.key, {
        case: 'ended',
        value: create(wire.EndedSchema, {
          reason: play.reason,
          exitCode: play.exitCode,
          startedAt: BigInt(play.startedAt),
          endedAt: BigInt(play.endedAt),
          stdoutBytes: BigInt(play.startedAt === 0 ? 0 : (play.script.stdout?.byteLength ?? 0)),
          stderrBytes: BigInt(play.startedAt === 0 ? 0 : (play.script.stderr?.byteLength ?? 0)),
        }),
      });
  }

  #sendLogs(play: Play): void {
    if (!this.#open || play.state === 'starting') return;
    for (const stream of ['stdout', 'stderr'] as const) {
      const all = play.startedAt === 0 ? EMPTY : (play.script[stream] ?? EMPTY);
      const said = this.#saidOf(play, all.byteLength);
      const acked = this.#ackedOf(`${play.key.taskId}/${play.key.attempt}`)[stream];
      const chunk = this.#options.chunkBytes ?? 64 * 1024;
      while (play.sent[stream] < said && play.sent[stream] - acked < WINDOW_BYTES) {
        const from = play.sent[stream];
        const data = all.subarray(from, Math.min(from + chunk, said));
        play.sent[stream] += data.byteLength;
        this.#session?.log(play.key, stream, from, data, { at: Date.now() });
      }
      if (play.state === 'ended' && play.sent[stream] === all.byteLength && !play.lastSent[stream]) {
        play.lastSent[stream] = true;
        this.#session?.log(play.key, stream, all.byteLength, EMPTY, { last: true, at: Date.now() });
      }
    }
  }

  #saidOf(play: Play, total: number): number {
    if (play.state === 'ended') return total;
    return Math.min(total, Math.floor((total * (Date.now() - play.startedAt)) / Math.max(1, play.script.runMs)));
  }

  #ackedOf(key: string): Record<StreamName, number> {
    let acked = this.#acked.get(key);
    if (acked === undefined) {
      acked = { stdout: 0, stderr: 0 };
      this.#acked.set(key, acked);
    }
    return acked;
  }
}

function keyOf(key: wire.AttemptKey | undefined): string {
  return `${key?.taskId}/${key?.attempt}`;
}
