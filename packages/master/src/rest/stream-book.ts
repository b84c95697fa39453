/** The open streams of this server: bounded, ended in order at shutdown, and only as long as the caller may read them. */
import { Rejected } from '../operations/index.ts';

/** Streams of one token at a time; a dashboard follows a few. */
const MAX_PER_TOKEN = 200;
const MAX_STREAMS = 5_000;
/** Rights that were taken away end a stream within this. */
const RECHECK_MS = 2_000;

export interface OpenStream {
  readonly signal: AbortSignal;
  /** Why the server ended it, for the reader; null when it ended by itself or the reader left. */
  interruption(): string | null;
  close(): void;
}

/** What tells that the reader left: a response, a socket. */
interface Leaving {
  on(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

interface Entry {
  readonly tokenId: string;
  readonly controller: AbortController;
  readonly mayGoOn: () => boolean;
  reason: string | null;
}

export class StreamBook {
  readonly #entries = new Set<Entry>();
  #timer: NodeJS.Timeout | null = null;

  /** `mayGoOn` is asked again while the stream is open. */
  open(tokenId: string, response: Leaving, mayGoOn: () => boolean): OpenStream {
    let own = 0;
    for (const entry of this.#entries) if (entry.tokenId === tokenId) own += 1;
    if (own >= MAX_PER_TOKEN || this.#entries.size >= MAX_STREAMS)
      throw new Rejected(
        'rate_limited',
        `${own} streams of this token and ${this.#entries.size} in all are open; close some`,
      );
    const entry: Entry = { tokenId, controller: new AbortController(), mayGoOn, reason: null };
    this.#entries.add(entry);
    const leave = () => entry.controller.abort();
    response.on('close', leave);
    this.#timer ??= setInterval(() => this.#recheck(), RECHECK_MS).unref();
    return {
      signal: entry.controller.signal,
      interruption: () => entry.reason,
      close: () => {
        response.off('close', leave);
        this.#entries.delete(entry);
        if (this.#entries.size === 0) this.#stopTimer();
      },
    };
  }

  get size(): number {
    return this.#entries.size;
  }

  endAll(reason: string): void {
    for (const entry of this.#entries) end(entry, reason);
  }

  #recheck(): void {
    for (const entry of this.#entries) if (!entry.mayGoOn()) end(entry, 'the token or its rights are gone');
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

function end(entry: Entry, reason: string): void {
  entry.reason ??= reason;
  entry.controller.abort();
}
