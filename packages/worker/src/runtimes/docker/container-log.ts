/**
 * All output of one container, exactly once each byte, from its start to its end: attached while that lasts, from the
 * stored log where it does not. What neither can give is told as missing, by the byte when the attached side counted it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { STREAM_NAMES, type StreamName } from '../../core/log-ledger.ts';
import type { LogData, LogNotes, LogPiece } from '../runtime.ts';
import type { AttachedLog } from './attached-log.ts';
import type { StoredLog } from './stored-log.ts';

/** From here on a log is large enough that its beginning may be rotated away one day. */
const REMEMBER_START_BYTES = 2 ** 20;
/** After the end of the output the end of its container is known within moments. */
const END_KNOWN_MS = 5_000;
const END_POLL_MS = 5;
/** The init process says this when the command can not be run. */
const INIT_FAILURE = /^\[FATAL tini \(\d+\)\] exec .* failed: .*/;
const HEAD_BYTES = 512;

export interface ContainerLogOptions {
  readonly attached: AttachedLog | null;
  readonly stored: StoredLog;
  /** The container has ended. */
  readonly isOver: () => boolean;
  /** Bytes from here on are only counted. */
  readonly isEnough: () => boolean;
  /** Changes when the daemon was restarted. */
  readonly instance: () => number;
  readonly warn: (text: string) => void;
}

export class ContainerLog {
  readonly #options: ContainerLogOptions;
  readonly #given: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  #startRemembered = false;
  #head = '';

  constructor(options: ContainerLogOptions) {
    this.#options = options;
  }

  get notes(): LogNotes {
    return { loss: this.#options.stored.loss, commandError: INIT_FAILURE.exec(this.#head)?.[0] ?? null };
  }

  async *read(signal: AbortSignal): AsyncGenerator<LogPiece> {
    const { attached, stored, instance } = this.#options;
    if (attached === null) {
      // Nobody else counts what is beyond the limit, so it has to be read.
      for await (const piece of stored.read(this.#given, () => false, signal)) yield this.#noted(piece);
      return;
    }
    const startedIn = instance();
    for (let piece = await attached.read(signal); piece !== null; piece = await attached.read(signal)) {
      this.#given[piece.stream] += piece.data.byteLength;
      yield this.#noted(piece);
    }
    const isWhole = !attached.hasGap && (await this.#endedWithContainer(startedIn, signal));
    if (isWhole) return;
    const isEnough = () => this.#options.isEnough() && this.#counts(attached, startedIn);
    while (true) {
      for await (const piece of stored.read(this.#given, isEnough, signal)) yield this.#noted(piece);
      await Promise.race([attached.over(), aborted(signal)]);
      if (attached.hasEnded && (await this.#endedWithContainer(startedIn, signal)))
        return yield* this.#missing(attached);
      // It broke off, or was ended by an engine that was asked to stop: only what is stored says how much there was.
      if (stored.isDone) return;
    }
  }

  /** The attached side counts every byte, or has counted the last one. */
  #counts(attached: AttachedLog, startedIn: number): boolean {
    const { isOver, instance } = this.#options;
    return attached.isOpen || (attached.hasEnded && isOver() && instance() === startedIn);
  }

  /** Only an attached log that lasted to the end knows how much there was. */
  *#missing(attached: AttachedLog): Generator<LogPiece> {
    for (const stream of STREAM_NAMES) {
      const bytes = attached.counted[stream] - this.#given[stream];
      if (bytes > 0) yield { stream, missing: bytes };
    }
  }

  #noted(piece: LogData): LogData {
    if (piece.stream === 'stderr' && this.#head.length < HEAD_BYTES) {
      this.#head += Buffer.from(piece.data.subarray(0, HEAD_BYTES)).toString('utf8');
    }
    if (!this.#startRemembered && this.#given.stdout + this.#given.stderr > REMEMBER_START_BYTES) {
      this.#startRemembered = true;
      this.#options.stored.rememberStart().catch((error: unknown) => {
        this.#options.warn(`the start of a log: ${(error as Error).message}`); // Only a later rotation goes unseen.
      });
    }
    return piece;
  }

  /**
   * Output that ends in good order has ended with its container, or with a daemon that was asked to stop. Which of them,
   * the container's end tells, and that it is still the same daemon.
   */
  async #endedWithContainer(startedIn: number, signal: AbortSignal): Promise<boolean> {
    const { isOver, instance } = this.#options;
    const until = performance.now() + END_KNOWN_MS;
    while (!isOver() && performance.now() < until) await sleep(END_POLL_MS, undefined, { signal });
    return isOver() && instance() === startedIn;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
