/**
 * Reads one container's log from its start to its end, exactly once each byte. A connection that breaks (the daemon is
 * restarted) is opened again from the start, and what was already given is skipped by counting. Docker rotates logs; if
 * the beginning is gone when the log is read again, that shows in the first entry's time stamp, and what can not be
 * placed exactly is left out and said.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamName } from '../../core/log-ledger.ts';
import type { LogNotes, LogPiece } from '../runtime.ts';
import { type DockerClient, DockerError } from './client.ts';
import { LogFrames } from './log-frames.ts';

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;
/** After the end of a log the end of its container is known within moments. */
const END_KNOWN_MS = 2_000;
const END_POLL_MS = 10;
/** The init process says this when the command can not be run. */
const INIT_FAILURE = /^\[FATAL tini \(\d+\)\] exec .* failed: .*/;
const HEAD_BYTES = 512;

export interface LogReaderOptions {
  /** The container has ended. */
  readonly isOver: () => boolean;
  /** Changes when the daemon was restarted. */
  readonly instance: () => number;
  readonly warn: (text: string) => void;
  /** Where the first entry's time stamp is kept over restarts of the worker. */
  readonly stampFile: string;
}

export class LogReader {
  readonly #client: DockerClient;
  readonly #containerId: string;
  readonly #options: LogReaderOptions;
  readonly #given: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  #stamp: string | null = null;
  #loss: string | null = null;
  #head = '';

  constructor(client: DockerClient, containerId: string, options: LogReaderOptions) {
    this.#client = client;
    this.#containerId = containerId;
    this.#options = options;
  }

  get notes(): LogNotes {
    return { loss: this.#loss, commandError: INIT_FAILURE.exec(this.#head)?.[0] ?? null };
  }

  async *read(signal: AbortSignal): AsyncGenerator<LogPiece> {
    this.#stamp = await readStamp(this.#options.stampFile);
    let delayMs = RETRY_FIRST_MS;
    while (!signal.aborted) {
      const instance = this.#options.instance();
      const over = this.#options.isOver();
      try {
        yield* this.#readOnce(!over, signal);
        if (over || (await this.#endedWithContainer(instance, signal))) return;
        delayMs = RETRY_FIRST_MS;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof DockerError && error.status === 404) {
          this.#loss ??= 'the rest of the log is lost: the container was removed';
          return;
        }
        this.#options.warn(`log of ${this.#containerId.slice(0, 12)}: ${(error as Error).message}; reading it again`);
      }
      await sleep(delayMs, undefined, { signal });
      delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
    }
    signal.throwIfAborted();
  }

  async *#readOnce(follow: boolean, signal: AbortSignal): AsyncGenerator<LogPiece> {
    const response = await this.#client.stream({
      method: 'GET',
      path: `/containers/${this.#containerId}/logs`,
      query: { stdout: true, stderr: true, timestamps: true, follow },
      signal,
    });
    const frames = new LogFrames();
    const seen: Record<StreamName, number> = { stdout: 0, stderr: 0 };
    for await (const bytes of response) {
      for (const piece of frames.push(bytes as Buffer)) {
        await this.#checkStart(frames.firstStamp);
        const fresh = this.#fresh(seen, piece);
        if (fresh !== null && this.#loss === null) yield fresh;
      }
    }
    if (frames.isTorn) throw new Error('Docker’s answer ended in the middle of an entry');
  }

  /** The part of a piece that was not given before. */
  #fresh(seen: Record<StreamName, number>, piece: LogPiece): LogPiece | null {
    const { stream, data } = piece;
    const from = seen[stream];
    seen[stream] += data.byteLength;
    const given = this.#given[stream];
    if (seen[stream] <= given) return null;
    this.#given[stream] = seen[stream];
    const fresh = from < given ? data.subarray(given - from) : data;
    if (stream === 'stderr' && this.#head.length < HEAD_BYTES) {
      this.#head += Buffer.from(fresh.subarray(0, HEAD_BYTES)).toString('utf8');
    }
    return { stream, data: fresh };
  }

  async #checkStart(stamp: string | null): Promise<void> {
    if (stamp === null || stamp === this.#stamp || this.#loss !== null) return;
    if (this.#stamp !== null) {
      this.#loss = 'a part of the log is lost: Docker rotated it away while nobody could read it';
      return;
    }
    this.#stamp = stamp;
    await writeFile(this.#options.stampFile, stamp).catch((error: unknown) => {
      this.#options.warn(`${this.#options.stampFile}: ${(error as Error).message}`); // Only a later rotation would go unseen.
    });
  }

  /**
   * A log that ends without error has ended with its container, or with a daemon that was asked to stop. Which of them,
   * the container's end tells, and that it is still the same daemon.
   */
  async #endedWithContainer(instance: number, signal: AbortSignal): Promise<boolean> {
    const until = performance.now() + END_KNOWN_MS;
    while (!this.#options.isOver() && performance.now() < until) await sleep(END_POLL_MS, undefined, { signal });
    return this.#options.isOver() && this.#options.instance() === instance;
  }
}

async function readStamp(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return null; // The log is read for the first time.
  }
}
