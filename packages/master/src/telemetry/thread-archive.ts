/** The archive as the master sees it: a thread that nothing waits for but readers of old charts. */
import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import type { TelemetryArchive } from './archive.ts';
import type { ArchiveLimits, AttemptRow } from './archive-file.ts';
import type { ArchiveThreadData, FromArchive, ToArchive } from './archive-thread.ts';
import type { StoredSeries } from './attempt-series.ts';
import { encodeMinutes } from './blocks.ts';
import type { Point } from './buckets.ts';
import type { Fields } from './fields.ts';

export interface ThreadArchiveOptions extends ArchiveLimits {
  readonly path: string;
  /** False while the disk is full: what is free is for the store. */
  mayWrite(): boolean;
  onError(message: string): void;
}

/** Writes that wait for a slow disk; beyond it charts get gaps instead of the master getting fat. */
const MOST_WAITING = 200;
const CLOSE_MS = 5_000;

export class ThreadArchive implements TelemetryArchive {
  readonly #options: ThreadArchiveOptions;
  /** Started at the first request. */
  #worker: Worker | null = null;
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #next = 1;
  #isGone = false;
  #complaint: string | null = null;

  constructor(options: ThreadArchiveOptions) {
    this.#options = options;
  }

  putMinute(at: number, minutes: Parameters<TelemetryArchive['putMinute']>[1]): void {
    const data = encodeMinutes(minutes);
    this.#write('putMinute', [at, data], [data.buffer]);
  }

  putAttempts(rows: readonly AttemptRow[]): void {
    this.#write('putAttempts', [rows]);
  }

  async minutes(source: string, fields: Fields, from: number, to: number, stepMs: number): Promise<readonly Point[]> {
    return ((await this.#read('minutes', [source, fields, from, to, stepMs])) ?? []) as Point[];
  }

  async attempt(taskId: string, attempt: number): Promise<StoredSeries | null> {
    return ((await this.#read('attempt', [taskId, attempt])) ?? null) as StoredSeries | null;
  }

  async remove(taskId: string): Promise<void> {
    await this.#read('remove', [taskId]);
  }

  /** Of the file as it is; 0 before anything was kept. */
  async sizeBytes(): Promise<number> {
    const sizes = ['', '-wal'].map((suffix) =>
      stat(this.#options.path + suffix).then(
        ({ size }) => size,
        () => 0,
      ),
    );
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  async close(): Promise<void> {
    if (this.#worker === null) return;
    const closed = this.#ask('close', []).catch(() => {}); // It never opened, so there is nothing to close.
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    await Promise.race([closed, patience]);
    clearTimeout(timer);
    this.#isGone = true;
    await this.#worker.terminate();
  }

  #write(method: ToArchive['method'], args: readonly unknown[], transfer: readonly ArrayBuffer[] = []): void {
    const refusal = this.#refusal();
    if (refusal !== null) {
      this.#complain(refusal);
      return;
    }
    this.#ask(method, args, transfer).then(
      () => {
        this.#complaint = null;
      },
      (error: Error) => this.#complain(error.message),
    );
  }

  #refusal(): string | null {
    if (!this.#options.mayWrite()) return 'the disk is full; charts have a gap';
    if (this.#waiting.size >= MOST_WAITING) return 'the disk is too slow; charts have a gap';
    return null;
  }

  /** Old charts are never worth an error: what can not be read is not shown. */
  async #read(method: ToArchive['method'], args: readonly unknown[]): Promise<unknown> {
    try {
      return await this.#ask(method, args);
    } catch (error) {
      this.#complain((error as Error).message);
      return null;
    }
  }

  #ask(method: ToArchive['method'], args: readonly unknown[], transfer: readonly ArrayBuffer[] = []): Promise<unknown> {
    if (this.#isGone) return Promise.reject(new Error('the thread of the telemetry has stopped'));
    return new Promise((resolve, reject) => {
      const id = this.#next;
      this.#next += 1;
      this.#waiting.set(id, { resolve, reject });
      // The process stays up for an answer, not for an archive that is merely open.
      this.#worker ??= this.#start();
      this.#worker.ref();
      this.#worker.postMessage({ id, method, args } satisfies ToArchive, transfer);
    });
  }

  #start(): Worker {
    const { path, keepMs, maxBytes } = this.#options;
    const worker = new Worker(new URL('./archive-thread.ts', import.meta.url), {
      workerData: { path, keepMs, maxBytes } satisfies ArchiveThreadData,
      execArgv: [],
      name: 'telemetry',
    });
    worker.on('message', (message: FromArchive) => this.#receive(message));
    worker.on('error', (error) => this.#gone(`the thread of the telemetry failed: ${error.message}`));
    worker.on('exit', () => this.#gone(null));
    return worker;
  }

  #receive(message: FromArchive): void {
    if (message.kind === 'damage') {
      this.#options.onError(message.message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (message.kind === 'answer') waiting?.resolve(message.value);
    else waiting?.reject(new Error(message.message));
  }

  #gone(why: string | null): void {
    this.#isGone = true;
    if (why !== null) this.#complain(why);
    for (const { reject } of this.#waiting.values()) reject(new Error('the thread of the telemetry has stopped'));
    this.#waiting.clear();
  }

  /** Once, until it works again. */
  #complain(message: string): void {
    if (this.#complaint === message) return;
    this.#complaint = message;
    this.#options.onError(`telemetry is not kept: ${message}`);
  }
}
