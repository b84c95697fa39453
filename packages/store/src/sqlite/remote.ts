import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { StoreError, type StoreHealth } from '../store.ts';
import type { FromThread, Role, ToThread } from './thread.ts';

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A thread of the store, seen from outside: requests go in, promises come out. */
export class Remote {
  readonly #worker: Worker;
  readonly #waiting = new Map<number | null, Waiting>();
  #next = 1;
  #ended: StoreError | null = null;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Resolves when the thread has opened what it works on. */
  static async start(role: Role, onHealth: (health: StoreHealth) => void = () => {}): Promise<Remote> {
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      workerData: role,
      env: environment(),
      // Flags of the process (`--input-type`, a test runner's hooks) are not for this thread.
      execArgv: [],
      name: `store ${role.role}`,
    });
    const remote = new Remote(worker);
    worker.on('message', (message: FromThread) => remote.#receive(message, onHealth));
    worker.on('error', (error) => remote.#end(`the store's ${role.role} stopped: ${error.message}`, error));
    worker.on('exit', () => remote.#end(`the store's ${role.role} has stopped`));
    await new Promise((resolve, reject) => remote.#waiting.set(null, { resolve, reject }));
    worker.unref();
    return remote;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the answer's type is stated where the request is made.
  request(method: string, ...args: readonly unknown[]): Promise<any> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const message: ToThread = { id: this.#next, method, args };
      this.#worker.postMessage(message);
      this.#waiting.set(this.#next, { resolve, reject });
      this.#next += 1;
      // The process stays up for an answer, not for a store that is merely open.
      this.#worker.ref();
    });
  }

  /** Finishes what was asked before, then ends the thread. */
  async close(): Promise<void> {
    if (this.#ended !== null) return;
    await this.request('close');
    await this.#worker.terminate();
  }

  #receive(message: FromThread, onHealth: (health: StoreHealth) => void): void {
    if (message.kind === 'health') {
      onHealth(message.health);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    if (message.kind === 'answer') {
      if (message.health !== undefined) onHealth(message.health);
      waiting?.resolve(message.value);
    } else {
      waiting?.reject(toError(message.code, message.message));
    }
  }

  #end(message: string, cause?: Error): void {
    this.#ended ??= new StoreError('store_failed', `${message}: open the store again.`, { cause });
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended);
    this.#waiting.clear();
  }
}

function toError(code: (FromThread & { readonly kind: 'error' })['code'], message: string): Error {
  if (code === 'range') return new RangeError(message);
  return code === 'bug' ? new Error(message) : new StoreError(code, message);
}

/** A thread keeps compiled sources only if its environment says so, whatever the process has enabled for itself. */
function environment(): NodeJS.ProcessEnv {
  const versioned = getCompileCacheDir();
  return versioned === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: dirname(versioned) };
}
