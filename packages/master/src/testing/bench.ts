/**
 * A master for tests without network and Docker: the real engine, loop, store and logs in a directory of its own, and
 * workers that are commands. Time goes on when the case says so.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import {
  type AttemptResult,
  type Command,
  DEFAULT_ENGINE_CONFIG,
  Engine,
  type EngineConfig,
  type Reply,
  type Role,
} from '@cloudai/engine';
import { type Amounts, capacity, hello, result } from '@cloudai/engine/testing';
import { openStore, type Store } from '@cloudai/store';
import type { ArtifactStore, Identity, MasterContext, WorkerUsage } from '../context.ts';
import { makeApiToken, makeJoinToken, sha256Hex } from '../identity/tokens.ts';
import { newId } from '../ids.ts';
import { FileLogStore } from '../logs/log-store.ts';
import { type BatchFigures, MasterLoop } from '../loop.ts';
import { NO_ARCHIVE, Telemetry } from '../telemetry/index.ts';

export const START = Date.UTC(2027, 0, 31, 12);
/** Of the user `admin`, who is there from the start. */
export const ADMIN = 'admin';

const HEARTBEAT_MS = 5_000;

export interface BenchOptions {
  readonly engine?: Partial<EngineConfig>;
  readonly onBatch?: (figures: BatchFigures) => void;
}

export class Bench {
  readonly context: MasterContext;
  readonly engine: Engine;
  readonly store: Store;
  readonly loop: MasterLoop;
  readonly logs: FileLogStore;
  readonly usage = new Map<string, WorkerUsage>();
  /** By `task/attempt/path`. */
  readonly files = new Map<string, Buffer>();
  readonly directory: string;
  /** Tokens by user name. */
  readonly tokens = new Map<string, string>();
  readonly fatal: unknown[] = [];
  #now = START;
  readonly #sessions = new Map<string, number>();
  readonly #usageListeners = new Set<(workerId: string, usage: WorkerUsage) => void>();

  static async open(options: BenchOptions = {}): Promise<Bench> {
    const directory = await mkdtemp(path.join(tmpdir(), 'cloudai-bench-'));
    await mkdir(path.join(directory, 'logs'));
    const store = await openStore(`sqlite:${path.join(directory, 'cloudai.db')}`, { create: { clusterId: 'bench' } });
    const bench = new Bench(directory, store, options);
    await bench.apply({ kind: 'recover', epoch: 1 });
    await bench.addUser(ADMIN, 'admin', []);
    return bench;
  }

  private constructor(directory: string, store: Store, options: BenchOptions) {
    this.directory = directory;
    this.store = store;
    this.engine = new Engine({ ...DEFAULT_ENGINE_CONFIG, ...options.engine });
    this.loop = new MasterLoop({
      engine: this.engine,
      store,
      epoch: 1,
      clock: { now: () => this.#now, lagMs: () => 0, forgive: () => {} },
      perform: () => {},
      onBatch: (figures) => options.onBatch?.(figures),
      reload: () => Promise.reject(new Error('the disk of a test is never full')),
      onFatal: (error) => this.fatal.push(error),
    });
    this.logs = new FileLogStore({
      directory: path.join(directory, 'logs'),
      onFatal: (error) => this.fatal.push(error),
    });
    this.context = {
      loop: this.loop,
      store,
      logs: this.logs,
      artifacts: this.#artifacts(),
      usage: { worker: (id) => this.usage.get(id) ?? null, onUsage: (listener) => this.#onUsage(listener) },
      telemetry: new Telemetry({ loop: this.loop, archive: NO_ARCHIVE, now: () => this.#now }),
      identity: IDENTITY,
      version: '0.0.0-test',
      startedAt: START,
      storeAudit: () => ({ state: 'sound', findings: 0, endedAt: START }),
      workerEndpoint: '127.0.0.1:50051',
      now: () => this.#now,
      newId: () => newId(),
    };
  }

  get now(): number {
    return this.#now;
  }

  async apply(command: Command): Promise<Reply> {
    const reply = await this.loop.submit(command);
    if (!reply.ok) throw new Error(`${command.kind}: ${reply.code}: ${reply.message}`);
    return reply;
  }

  /** Workers show meanwhile that they are alive. */
  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= HEARTBEAT_MS) {
      this.#now += Math.min(left, HEARTBEAT_MS);
      for (const [workerId, session] of this.#sessions)
        await this.apply({ kind: 'heartbeatWorker', workerId, session, unhealthy: null });
    }
    await this.apply({ kind: 'tick' });
  }

  /** With a token in `tokens`. */
  async addUser(name: string, role: Role, namespaces: readonly string[]): Promise<string> {
    for (const namespace of namespaces)
      if (this.engine.namespace(namespace) === null)
        await this.apply({ kind: 'putNamespace', name: namespace, quota: null, by: ADMIN });
    await this.apply({ kind: 'putUser', name, role, namespaces, disabled: false, by: ADMIN });
    const { id, token, hash } = makeApiToken();
    await this.apply({ kind: 'putToken', id, user: name, hash, expiresAt: this.#now + 90 * 86_400_000, by: ADMIN });
    this.tokens.set(name, token);
    return token;
  }

  /** Registered, joined and connected. */
  async addWorker(id: string, amounts: Amounts = { cpu: 8, memory: 16 }): Promise<void> {
    const joinTokenHash = sha256Hex(id);
    await this.apply({
      kind: 'registerWorker',
      workerId: id,
      address: null,
      joinTokenHash,
      joinTokenExpiresAt: this.#now + 60_000,
      renew: false,
      by: ADMIN,
    });
    await this.apply({ kind: 'joinWorker', workerId: id, joinTokenHash, certificateSerial: `serial-${id}` });
    const reply = await this.apply(hello(id, capacity(amounts)));
    if (reply.ok && reply.kind === 'connected') this.#sessions.set(id, reply.session);
    await this.advance(10);
  }

  /** Lets time go by until the task has been placed, and takes it to `running`. */
  async run(taskId: string): Promise<void> {
    await this.advance(10);
    await this.#report(taskId, { phase: 'starting', progress: null });
    await this.#report(taskId, {
      phase: 'running',
      startedAt: this.#now,
      containerId: `c-${taskId}`,
      imageDigest: null,
    });
  }

  async end(taskId: string, exitCode = 0, rest: Partial<AttemptResult> = {}): Promise<void> {
    const reason = exitCode === 0 ? 'exit_zero' : 'exit_nonzero';
    await this.#report(taskId, { phase: 'ended', reason, result: result(exitCode, this.#now, rest) });
  }

  /** As if a heartbeat had brought it. */
  measure(workerId: string, usage: WorkerUsage): void {
    this.usage.set(workerId, usage);
    for (const listener of this.#usageListeners) listener(workerId, usage);
  }

  #onUsage(listener: (workerId: string, usage: WorkerUsage) => void): () => void {
    this.#usageListeners.add(listener);
    return () => this.#usageListeners.delete(listener);
  }

  /** Appends to the log of the newest attempt, as if its worker had sent it. */
  async log(
    taskId: string,
    text: string | Uint8Array,
    stream: 'stdout' | 'stderr' = 'stdout',
    attempt?: number,
  ): Promise<void> {
    const number = attempt ?? this.engine.task(taskId)!.fence;
    const file = await this.logs.open(taskId, number);
    const state = file.state();
    const offset = stream === 'stdout' ? state.stdoutBytes : state.stderrBytes;
    const data = typeof text === 'string' ? Buffer.from(text) : text;
    this.logs.append(file, { stream, offset, at: this.#now, data, last: false, dropped: 0 });
    await this.logs.flush();
  }

  async endLog(taskId: string, dropped = 0, attempt?: number): Promise<void> {
    this.logs.end(await this.logs.open(taskId, attempt ?? this.engine.task(taskId)!.fence), this.#now, dropped);
    await this.logs.flush();
  }

  async close(): Promise<void> {
    await this.loop.stop();
    await this.logs.close();
    await this.store.close();
    await rm(this.directory, { recursive: true, force: true });
    if (this.fatal.length > 0) throw new AggregateError(this.fatal, 'the master failed during the test');
  }

  async #report(taskId: string, report: Extract<Command, { kind: 'reportAttempt' }>['report']): Promise<void> {
    const attempt = this.engine.attempt(taskId, this.engine.task(taskId)?.fence ?? 0);
    if (attempt === null) throw new Error(`task ${taskId} has no attempt: it is ${this.engine.task(taskId)?.state}`);
    const { workerId, number } = attempt;
    const session = this.#sessions.get(workerId)!;
    await this.apply({ kind: 'reportAttempt', workerId, session, taskId, attempt: number, report });
  }

  #artifacts(): ArtifactStore {
    return {
      open: async (taskId, attempt, name, range) => {
        const file = this.files.get(`${taskId}/${attempt}/${name}`);
        if (file === undefined) return null;
        return { sizeBytes: file.length, stream: Readable.from([file.subarray(range?.start ?? 0, range?.end)]) };
      },
      remove: async () => {},
    };
  }
}

const IDENTITY: Identity = {
  clusterId: 'bench',
  makeJoinToken: (workerId) => makeJoinToken('0'.repeat(64), workerId),
  makeApiToken,
  hashApiToken: sha256Hex,
  rootPem: '',
};
