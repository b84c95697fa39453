/**
 * A container's log as Docker stored it, read from its start. Needed when the output was not attached to, or not all the
 * time: after a restart of the worker or of Docker, and when the master was too slow for it.
 *
 * Following a log is not exact at its end (engine 20.10 leaves out the last entry now and then), so a followed log is
 * read once more when its container has ended. Docker rotates logs; whether the beginning is still there shows in the
 * time stamp of the first entry, which is kept on disk for this purpose.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamName } from '../../core/log-ledger.ts';
import type { LogData } from '../runtime.ts';
import { type DockerClient, DockerError, DockerUnreachable } from './client.ts';
import { LogFrames } from './log-frames.ts';

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 2_000;
/** Of an ended container, in a row, with an engine that answers: it will not read this log any more. */
const UNREADABLE_TRIES = 8;

export interface StoredLogOptions {
  /** The container has ended. */
  readonly isOver: () => boolean;
  readonly warn: (text: string) => void;
  /** Where the first entry's time stamp is kept over restarts of the worker. */
  readonly stampFile: string;
}

export class StoredLog {
  readonly #client: DockerClient;
  readonly #containerId: string;
  readonly #options: StoredLogOptions;
  #stamp: string | null | undefined;
  #loss: string | null = null;
  #isRead = false;

  constructor(client: DockerClient, containerId: string, options: StoredLogOptions) {
    this.#client = client;
    this.#containerId = containerId;
    this.#options = options;
  }

  /** Why not everything was given, for people. */
  get loss(): string | null {
    return this.#loss;
  }

  /** Remembers when the first entry was written, while it is surely there. */
  async rememberStart(): Promise<void> {
    const response = await this.#open(false, AbortSignal.timeout(RETRY_MAX_MS));
    const frames = new LogFrames('stored');
    for await (const bytes of response) {
      frames.push(bytes as Buffer);
      if (frames.firstStamp !== null) break;
    }
    response.destroy();
    if (frames.firstStamp !== null) await this.#isFromStart(frames.firstStamp);
  }

  /** Nothing more can come of reading it again. */
  get isDone(): boolean {
    return this.#isRead || this.#loss !== null;
  }

  /**
   * Everything after `given` bytes of each stream, which is counted on, until the container has ended, or nobody needs
   * more of it.
   */
  async *read(
    given: Record<StreamName, number>,
    isEnough: () => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<LogData> {
    let delayMs = RETRY_FIRST_MS;
    let failures = 0;
    while (!this.isDone && !isEnough()) {
      const over = this.#options.isOver();
      const before = given.stdout + given.stderr;
      try {
        yield* this.#readOnce(!over, given, isEnough, signal);
        if (over && !isEnough()) this.#isRead = true;
        if (over) return;
        delayMs = RETRY_FIRST_MS;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof DockerError && error.status === 404) {
          this.#loss = 'the rest of the log is lost: the container was removed';
          return;
        }
        const { message } = error as Error;
        const counts = over && !(error instanceof DockerUnreachable) && given.stdout + given.stderr === before;
        failures = counts ? failures + 1 : 0;
        if (failures >= UNREADABLE_TRIES) {
          this.#loss = `the rest of the log is lost: Docker can not read it (${message})`;
          return;
        }
        this.#options.warn(`log of ${this.#containerId.slice(0, 12)}: ${message}; reading it again`);
        delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
      }
      await sleep(delayMs, undefined, { signal });
    }
  }

  async *#readOnce(
    follow: boolean,
    given: Record<StreamName, number>,
    isEnough: () => boolean,
    signal: AbortSignal,
  ): AsyncGenerator<LogData> {
    const response = await this.#open(follow, signal);
    const frames = new LogFrames('stored');
    const seen: Record<StreamName, number> = { stdout: 0, stderr: 0 };
    for await (const bytes of response) {
      for (const { stream, data } of frames.push(bytes as Buffer)) {
        if (!(await this.#isFromStart(frames.firstStamp))) return;
        const from = seen[stream];
        seen[stream] += data.byteLength;
        const known = given[stream];
        if (seen[stream] <= known) continue;
        given[stream] = seen[stream];
        yield { stream, data: from < known ? data.subarray(known - from) : data };
        if (isEnough()) return;
      }
    }
    if (frames.isTorn) throw new Error('Docker’s answer ended in the middle of an entry');
  }

  #open(follow: boolean, signal: AbortSignal) {
    return this.#client.stream({
      method: 'GET',
      path: `/containers/${this.#containerId}/logs`,
      query: { stdout: true, stderr: true, timestamps: true, follow },
      signal,
    });
  }

  async #isFromStart(stamp: string | null): Promise<boolean> {
    this.#stamp ??= await readFile(this.#options.stampFile, 'utf8').catch(() => null); // Not kept yet.
    if (stamp === null || stamp === this.#stamp) return true;
    if (this.#stamp !== null) {
      this.#loss = 'a part of the log is lost: Docker rotated it away while it could not be read';
      return false;
    }
    this.#stamp = stamp;
    await writeFile(this.#options.stampFile, stamp).catch((error: unknown) => {
      this.#options.warn(`${this.#options.stampFile}: ${(error as Error).message}`); // Only a later rotation goes unseen.
    });
    return true;
  }
}
