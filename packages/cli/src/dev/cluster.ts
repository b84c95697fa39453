/** A cluster on this machine: master and worker as processes of their own, in one data directory. */
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, CloudAI, ConnectionError } from '@cloudai/sdk';
import type { ContextFile } from '../context-file.ts';
import { CliError } from '../errors.ts';
import { Child } from './child.ts';

export interface DevClusterOptions {
  readonly data: string;
  readonly env: NodeJS.ProcessEnv;
  readonly port: number;
  readonly workerPort: number;
  /** Token of the admin. */
  readonly token: string;
  /** Options of `cloudai worker`. */
  readonly workerArgs: readonly string[];
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

export const WORKER_ID = 'worker-1';

/** A loaded machine needs a few seconds for each; this is when something is wrong. */
const START_MS = 60_000;
const LOOK_MS = 50;

export class DevCluster {
  readonly #options: DevClusterOptions;
  readonly client: CloudAI;
  readonly context: ContextFile;
  #master: Child | null = null;
  #worker: Child | null = null;

  constructor(options: DevClusterOptions) {
    this.#options = options;
    this.context = { url: `http://127.0.0.1:${options.port}`, token: options.token, ca: null, namespace: null };
    this.client = new CloudAI({ ...this.context, retry: { limit: 0 } });
  }

  /** Resolves when the worker is active. */
  async start(): Promise<void> {
    const { data, port, workerPort, say } = this.#options;
    const master = this.#child('master', [
      ...['--data', masterData(data)],
      ...['--listen', `127.0.0.1:${port}`],
      ...['--worker-listen', `127.0.0.1:${workerPort}`],
    ]);
    this.#master = master;
    await this.#until(master, 'the master to answer', () => this.client.getVersion().then(() => true));
    say(`master is ready at ${this.context.url}`);
    const worker = this.#child('worker', this.#workerArgs(), await this.#joinEnv());
    this.#worker = worker;
    await this.#until(worker, 'the worker to become active', async () => {
      // After a restart the master takes it for active before it has heard of it.
      const { state, connected } = await this.client.getWorker(WORKER_ID);
      return state === 'active' && connected;
    });
    say(`${WORKER_ID} is active`);
  }

  /** Rejects when one of the processes has ended for good; never resolves. */
  async broken(): Promise<never> {
    const children = [this.#master, this.#worker].filter((child) => child !== null);
    const { child, code } = await Promise.race(children.map(async (each) => ({ child: each, code: await each.ended })));
    const name = child === this.#master ? 'master' : 'worker';
    throw new CliError('failure', `the ${name} ended with ${code} and was given up; its last lines:\n${child.tail()}`);
  }

  /** The worker first, so that it can say goodbye. Containers that still run go on and are found again. */
  async stop(): Promise<void> {
    await this.#worker?.stop();
    await this.#master?.stop();
    this.client.close();
  }

  /** Waits until nothing of ended tasks is left on the machine. */
  async settle(withinMs: number): Promise<void> {
    const outputs = path.join(workerData(this.#options.data), 'outputs');
    const until = Date.now() + withinMs;
    while (Date.now() < until && fs.existsSync(outputs) && fs.readdirSync(outputs).length > 0) await delay(LOOK_MS);
  }

  #child(name: 'master' | 'worker', args: readonly string[], env: NodeJS.ProcessEnv = {}): Child {
    const { data, say } = this.#options;
    return new Child({
      name,
      args: [name, ...args],
      env: { ...this.#options.env, ...env },
      logFile: path.join(data, `${name}.log`),
      pidFile: path.join(data, `${name}.pid`),
      onRestart: say,
    });
  }

  #workerArgs(): string[] {
    const { data, workerPort, workerArgs } = this.#options;
    return ['--data', workerData(data), '--master', `127.0.0.1:${workerPort}`, ...workerArgs];
  }

  /** A worker without an identity gets a join token, by the environment: arguments can be read by everybody. */
  async #joinEnv(): Promise<NodeJS.ProcessEnv> {
    if (hasJoined(this.#options.data)) return {};
    const { joinToken } = await this.client.registerWorker({ id: WORKER_ID, renew: true });
    return { CLOUDAI_WORKER_JOIN: joinToken };
  }

  async #until(child: Child, what: string, look: () => Promise<boolean>): Promise<void> {
    const { signal } = this.#options;
    let gone: number | null = null;
    void child.ended.then((code) => {
      gone = code;
    });
    for (const end = Date.now() + START_MS; ; ) {
      signal.throwIfAborted();
      if (await look().catch(notYet)) {
        child.proven();
        return;
      }
      if (gone !== null)
        throw new CliError('failure', `waited for ${what}, and its process ended with ${gone}:\n${child.tail()}`);
      if (Date.now() > end) {
        throw new CliError(
          'unavailable',
          `waited ${START_MS / 1000} s in vain for ${what}; its last lines:\n${child.tail()}`,
        );
      }
      await delay(LOOK_MS);
    }
  }
}

export function masterData(data: string): string {
  return path.join(data, 'master');
}

/** By the file, which is there only when it is whole: a kill or a full disk may leave the folder without it. */
export function hasJoined(data: string): boolean {
  return fs.existsSync(path.join(workerData(data), 'identity', 'identity.json'));
}

function workerData(data: string): string {
  return path.join(data, 'worker');
}

/** While a process starts, nobody answers yet, or the worker is not known yet. */
function notYet(error: unknown): false {
  if (error instanceof ConnectionError) return false;
  if (error instanceof ApiError && (error.code === 'unavailable' || error.code === 'worker_unknown')) return false;
  throw error;
}
