/**
 * The output of a container as it comes, from before its first byte to its end. Docker stops a container whose attached
 * reader does not read, so this one always reads: what nobody takes in time is counted and let go, and has to be read
 * from the stored log instead.
 */
import type http from 'node:http';
import type { StreamName } from '../../core/log-ledger.ts';
import type { LogData } from '../runtime.ts';
import { LogFrames } from './log-frames.ts';

/** Enough for the moments in which the reader is busy elsewhere. */
const BUFFER_BYTES = 2 ** 20;

export class AttachedLog {
  /** Everything that came, read or not. */
  readonly counted: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  readonly #response: http.IncomingMessage;
  readonly #frames = new LogFrames('attached');
  #buffer: LogData[] = [];
  #buffered = 0;
  #overflowed = false;
  #state: 'open' | 'ended' | 'broken' = 'open';
  #notify: (() => void) | null = null;
  readonly #over = Promise.withResolvers<void>();

  constructor(response: http.IncomingMessage) {
    this.#response = response;
    response.on('data', (bytes: Buffer) => this.#take(bytes));
    response.once('end', () => this.#end(this.#frames.isTorn ? 'broken' : 'ended'));
    response.once('error', () => this.#end('broken'));
    response.once('close', () => this.#end('broken'));
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** True once the stream ended in good order, so that `counted` is final. */
  get hasEnded(): boolean {
    return this.#state === 'ended';
  }

  /** Something came that `read` will not give. */
  get hasGap(): boolean {
    return this.#overflowed || this.#state === 'broken';
  }

  /** The next bytes; null at the end, and at the point from which on bytes were let go. */
  async read(signal: AbortSignal): Promise<LogData | null> {
    while (true) {
      const piece = this.#buffer.shift();
      if (piece !== undefined) {
        this.#buffered -= piece.data.byteLength;
        return piece;
      }
      if (this.#overflowed || this.#state !== 'open') return null;
      await this.#changed(signal);
    }
  }

  /** Resolves when the stream is over, one way or the other. */
  over(): Promise<void> {
    return this.#over.promise;
  }

  close(): void {
    this.#response.destroy();
  }

  #take(bytes: Buffer): void {
    let pieces: LogData[];
    try {
      pieces = this.#frames.push(bytes);
    } catch {
      this.#response.destroy(); // Not the format that was agreed on; the stored log says what it is.
      return;
    }
    for (const piece of pieces) {
      this.counted[piece.stream] += piece.data.byteLength;
      if (this.#overflowed) continue;
      this.#buffer.push(piece);
      this.#buffered += piece.data.byteLength;
      this.#overflowed = this.#buffered > BUFFER_BYTES;
    }
    this.#notify?.();
  }

  #end(state: 'ended' | 'broken'): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    this.#notify?.();
    this.#over.resolve();
  }

  #changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#notify = resolve;
    return promise.finally(() => {
      this.#notify = null;
      signal.removeEventListener('abort', onAbort);
    });
  }
}
