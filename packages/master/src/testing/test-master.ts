/** A whole master on loopback, in a directory of its own: real store, TLS, sessions, logs and REST. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Attempt, Command, Reply, Task } from '@cloudai/engine';
import { type SpecOptions, spec } from '@cloudai/engine/testing';
import { pino } from 'pino';
import { createCluster } from '../identity/create-cluster.ts';
import { newId } from '../ids.ts';
import { type MasterHandle, type MasterOptions, runMaster } from '../process.ts';
import { FakeWorker } from './fake-worker.ts';

export type TestMasterOptions = Partial<Omit<MasterOptions, 'dataDir'>>;

/** Short, so that a case about silence takes seconds. */
const FIGURES = {
  version: '0.0.0-test',
  workers: { port: 0 },
  rest: { port: 0 },
  reserveBytes: 0,
  telemetry: null,
  sessions: { heartbeatMs: 100, leaseMs: 200, helloMs: 300 },
  engine: { suspectMs: 2_000, lostMs: 5_000, startGraceMs: 1_000 },
} as const satisfies TestMasterOptions;

export class TestMaster {
  readonly directory: string;
  readonly #options: TestMasterOptions;
  #handle: MasterHandle;

  private constructor(directory: string, options: TestMasterOptions, handle: MasterHandle) {
    this.directory = directory;
    this.#options = options;
    this.#handle = handle;
  }

  static async start(options: TestMasterOptions = {}): Promise<TestMaster> {
    const directory = await mkdtemp(path.join(tmpdir(), 'cloudai-master-'));
    await createCluster({ dataDir: directory, contextFile: null });
    return new TestMaster(directory, options, await run(directory, options));
  }

  get handle(): MasterHandle {
    return this.#handle;
  }

  get endpoint(): string {
    return this.#handle.workerEndpoint;
  }

  get engine() {
    return this.#handle.context.loop.engine;
  }

  async submit(command: Command): Promise<Reply> {
    return await this.#handle.context.loop.submit(command);
  }

  /** The same as what an admin does with `register`; returns the join token. */
  async register(workerId: string, rest: { readonly renew?: boolean; readonly ttlMs?: number } = {}): Promise<string> {
    const { context } = this.#handle;
    const { token, hash } = context.identity.makeJoinToken(workerId);
    const reply = await this.submit({
      kind: 'registerWorker',
      workerId,
      address: null,
      joinTokenHash: hash,
      joinTokenExpiresAt: context.now() + (rest.ttlMs ?? 900_000),
      renew: rest.renew ?? false,
      by: 'admin',
    });
    if (!reply.ok) throw new Error(reply.message);
    return token;
  }

  async join(workerId: string): Promise<FakeWorker> {
    return await FakeWorker.join(this.endpoint, await this.register(workerId));
  }

  async submitTask({ id = newId(), ...options }: SpecOptions & { readonly id?: string } = {}): Promise<string> {
    const reply = await this.submit({
      kind: 'submitTasks',
      namespace: 'default',
      owner: 'admin',
      tasks: [{ id, name: null, spec: spec(options), retryOf: null }],
      job: null,
      idempotency: null,
      knownOutcomes: {},
    });
    if (!reply.ok) throw new Error(reply.message);
    return id;
  }

  task(id: string): Task | null {
    return this.engine.task(id);
  }

  attempt(id: string, number = 1): Attempt | null {
    return this.engine.attempt(id, number);
  }

  /** The whole of one stream as it is stored, from the files. */
  async logOf(taskId: string, attempt = 1, stream: 'stdout' | 'stderr' = 'stdout'): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let end = 0;
    for await (const record of this.#handle.context.logs.read(taskId, attempt, { follow: false })) {
      if (record.stream !== stream) continue;
      if (record.offset !== end) throw new Error(`the log goes on at ${record.offset} after ${end}`);
      end += record.data.byteLength;
      parts.push(record.data);
    }
    return Buffer.concat(parts);
  }

  /** Stops it in order and starts it again on the same ports and data. */
  async restart(): Promise<void> {
    const { workerEndpoint, restUrl } = this.#handle;
    await this.#handle.stop();
    const ports = {
      workers: { port: Number(workerEndpoint.split(':').pop()) },
      rest: { port: Number(new URL(restUrl).port) },
    };
    this.#handle = await run(this.directory, { ...this.#options, ...ports });
  }

  async close(): Promise<void> {
    await this.#handle.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

function run(dataDir: string, options: TestMasterOptions): Promise<MasterHandle> {
  return runMaster({
    ...FIGURES,
    log: pino({ level: process.env.CLOUDAI_LOG_LEVEL ?? 'silent' }),
    ...options,
    engine: { ...FIGURES.engine, ...options.engine },
    sessions: { ...FIGURES.sessions, ...options.sessions },
    dataDir,
  });
}

/** Polls: for what is brought about by another process or thread. */
export async function eventually(what: string, check: () => boolean | Promise<boolean>, waitMs = 5_000): Promise<void> {
  const until = performance.now() + waitMs;
  while (!(await check())) {
    if (performance.now() > until) throw new Error(`not within ${waitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
