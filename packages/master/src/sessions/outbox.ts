/**
 * What waits to be sent down one session. Orders queue up to a bound; acknowledgements of heartbeats and logs only
 * keep their newest, so a slow peer makes none of them pile up.
 */
import { workerWire as wire } from '@cloudai/api';
import { type AttemptKey, type Down, down, keyText, writeKey } from './wire.ts';

/** A worker that does not take this many orders is as good as gone; it gets them anew when it connects again. */
const MOST_WAITING = 10_000;

export class Outbox implements AsyncIterable<wire.SessionResponse> {
  #queue: Down[] = [];
  #head = 0;
  #heartbeat: bigint | null = null;
  readonly #logs = new Map<string, Down>();
  #ended = false;
  #wake: (() => void) | null = null;

  /** False: it is full or closed, and the session has to end. */
  push(message: Down): boolean {
    if (this.#ended || this.#queue.length - this.#head >= MOST_WAITING) return false;
    this.#queue.push(message);
    this.#notify();
    return true;
  }

  ackHeartbeat(sequence: bigint): void {
    this.#heartbeat = sequence;
    this.#notify();
  }

  ackLog(key: AttemptKey, stream: 'stdout' | 'stderr', offset: number): void {
    const value = {
      key: writeKey(key),
      stream: stream === 'stdout' ? wire.LogStream.STDOUT : wire.LogStream.STDERR,
      offset: BigInt(offset),
    };
    this.#logs.set(`${stream} ${keyText(key)}`, { case: 'logAck', value });
    this.#notify();
  }

  /** What waits is still sent, then the stream ends. */
  end(): void {
    this.#ended = true;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<wire.SessionResponse> {
    for (;;) {
      const message = this.#next();
      if (message !== null) yield down(message);
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Heartbeats first: a burst of orders must not let the worker's lease run out. */
  #next(): Down | null {
    if (this.#heartbeat !== null) {
      const sequence = this.#heartbeat;
      this.#heartbeat = null;
      return { case: 'heartbeatAck', value: { sequence } };
    }
    if (this.#head < this.#queue.length) {
      const message = this.#queue[this.#head++]!;
      if (this.#head === this.#queue.length) {
        this.#queue = [];
        this.#head = 0;
      }
      return message;
    }
    for (const [key, message] of this.#logs) {
      this.#logs.delete(key);
      return message;
    }
    return null;
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
