/**
 * One connection to the master over which many things are watched. It lives as long as it is wanted:
 *
 * connecting   the first connection is being opened
 * live         what is subscribed comes as it happens
 * stale        the connection broke, or nothing was heard for too long; it is being opened again, and every
 *              subscription then goes on where it was
 * closed       for good: asked for, or the token is no good (any more); `error` says which
 */
import type { ErrorCode } from '@cloudai/api/errors';
import { WATCH_ALIVE_MS, WATCH_CLOSE, WATCH_PATH, type WatchMessage, type WatchTopic } from '@cloudai/api/watch';
import { ApiError } from '../api-error.ts';
import { backoffMs } from '../retry.ts';
import { ConnectionError } from '../transport/transport.ts';
import type { OpenSocket, Socket, SocketOptions } from './socket.ts';
import { streamOf } from './stream.ts';
import { Subscription, type WatchFilter, type WatchListener, type WatchUpdate } from './subscription.ts';

export type WatchState = 'connecting' | 'live' | 'stale' | 'closed';

export interface WatchOptions {
  /** Ends the watch. */
  readonly signal?: AbortSignal;
  /** Called with every state that the watch enters. */
  readonly onState?: (state: WatchState) => void;
  /** Waits between attempts to connect, ms: the first, and the longest. Default 250 and 10,000, with a random part. */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number };
  /** Silence after which the connection is given up, ms. Default 45,000: the master says something every 15,000. */
  readonly silenceMs?: number;
}

/** What the client puts in. */
export interface WatchParts {
  readonly openSocket: OpenSocket;
  readonly socket: SocketOptions;
  readonly namespace: string | null;
  /** A plain call, to learn why a connection is refused where the socket can not tell. */
  probe(): Promise<unknown>;
}

const BACKOFF = { baseMs: 250, maxMs: 10_000 };
const SILENCE_MS = 3 * WATCH_ALIVE_MS;
/** A connection that lasted so long was a good one: the next wait is a short one again. */
const GOOD_MS = 5_000;

export class Watch {
  readonly #parts: WatchParts;
  readonly #options: WatchOptions;
  readonly #listeners = new Set<(state: WatchState) => void>();
  readonly #subscriptions = new Map<string, Subscription>();
  #state: WatchState = 'connecting';
  #error: Error | null = null;
  #socket: Socket | null = null;
  #master: { readonly version: string; readonly epoch: number } | null = null;
  #failures = 0;
  #openedAt = 0;
  #lastHeardAt = 0;
  #ids = 0;
  #retryTimer: ReturnType<typeof setTimeout> | null = null;
  #silenceTimer: ReturnType<typeof setInterval> | null = null;

  constructor(parts: WatchParts, options: WatchOptions = {}) {
    this.#parts = parts;
    this.#options = options;
    if (options.onState !== undefined) this.#listeners.add(options.onState);
    if (options.signal?.aborted === true) {
      this.#state = 'closed';
      return;
    }
    options.signal?.addEventListener('abort', this.close, { once: true });
    void this.#connect();
  }

  get state(): WatchState {
    return this.#state;
  }

  /** Why it is closed; null when that was asked for, or while it is not. */
  get error(): Error | null {
    return this.#error;
  }

  /** The master of the newest connection. */
  get master(): { readonly version: string; readonly epoch: number } | null {
    return this.#master;
  }

  /** Called with every state from now on; answers how to stop that. */
  onState(listener: (state: WatchState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Subscribes to a topic until `unsubscribe()`. Updates are handed over as they come; a listener that does more than to
   * note them belongs on `stream`, which is bounded.
   */
  subscribe<Topic extends WatchTopic>(
    topic: Topic,
    filter: WatchFilter<Topic>,
    listener: WatchListener<Topic> | ((update: WatchUpdate<Topic>) => void),
  ): { readonly unsubscribe: () => void; readonly sequence: () => number | undefined } {
    const full = typeof listener === 'function' ? { onUpdate: listener } : listener;
    const subscription = this.#open(topic, filter, full);
    return { unsubscribe: () => this.#drop(subscription), sequence: () => subscription.sequence };
  }

  /** The same to read with `for await`. Throws an ApiError when the master refuses it; ends with the watch. */
  stream<Topic extends WatchTopic>(
    topic: Topic,
    filter: WatchFilter<Topic>,
    { signal = null }: { readonly signal?: AbortSignal | null } = {},
  ): AsyncGenerator<WatchUpdate<Topic>, void> {
    const isLossless = topic === 'events' || topic === 'tasks' || topic === 'workers' || topic === 'logs';
    return streamOf<Topic>(
      {
        open: (listener) => this.#open(topic, filter, listener),
        park: (subscription) => this.#drop(subscription),
        resume: (subscription) => {
          // Under another id: what is still on its way to the one before is not taken for news.
          subscription.rename(String(++this.#ids));
          this.#add(subscription);
        },
        close: (subscription) => this.#drop(subscription),
      },
      isLossless,
      signal,
    );
  }

  /** Ends the connection and every subscription. */
  close = (): void => {
    this.#end(null);
  };

  #open<Topic extends WatchTopic>(
    topic: Topic,
    filter: WatchFilter<Topic>,
    listener: WatchListener<Topic>,
  ): Subscription<Topic> {
    const { namespace } = this.#parts;
    const takesNamespace = topic === 'events' || topic === 'tasks' || topic === 'queue';
    const own = namespace !== null && takesNamespace ? { namespace, ...filter } : filter;
    const subscription = new Subscription(String(++this.#ids), topic, own, listener);
    this.#add(subscription);
    return subscription;
  }

  #add(subscription: Subscription<WatchTopic> | Subscription<never>): void {
    const any = subscription as Subscription;
    if (this.#state === 'closed') {
      queueMicrotask(() => any.end(this.#error));
      return;
    }
    this.#subscriptions.set(any.id, any);
    this.#socket?.send(JSON.stringify(any.request()));
  }

  #drop(subscription: Subscription<WatchTopic> | Subscription<never>): void {
    if (!this.#subscriptions.delete(subscription.id)) return;
    this.#socket?.send(JSON.stringify({ kind: 'unsubscribe', id: subscription.id }));
  }

  async #connect(): Promise<void> {
    const { openSocket, socket: options } = this.#parts;
    try {
      const socket = await openSocket(options, {
        onText: (text) => this.#take(text),
        onClose: (code, reason) => this.#closed(code, reason),
      });
      if (this.#state === 'closed') {
        socket.close();
        return;
      }
      this.#socket = socket;
      this.#openedAt = performance.now();
      this.#lastHeardAt = this.#openedAt;
      this.#listenForSilence();
      for (const subscription of this.#subscriptions.values()) socket.send(JSON.stringify(subscription.request()));
      this.#enter('live');
    } catch (error) {
      const refusal = error instanceof ApiError ? error : await this.#refusal(error);
      if (refusal !== null && FINAL.has(refusal.code)) this.#end(refusal);
      else this.#connectLater(refusal?.retryAfterMs ?? null);
    }
  }

  /** Browsers do not say why a connection was refused; the same token asks by a plain call. */
  async #refusal(error: unknown): Promise<ApiError | null> {
    if (error instanceof ConnectionError && error.kind !== 'lost') return null;
    try {
      await this.#parts.probe();
      return null;
    } catch (cause) {
      return cause instanceof ApiError ? cause : null;
    }
  }

  #connectLater(afterMs: number | null): void {
    if (this.#state === 'closed') return;
    this.#failures += 1;
    const waitMs = backoffMs(this.#failures, { limit: 0, ...BACKOFF, ...this.#options.backoff }, afterMs);
    this.#retryTimer = setTimeout(() => void this.#connect(), waitMs);
  }

  #take(text: string): void {
    this.#lastHeardAt = performance.now();
    const message = parse(text);
    if (message === null) {
      // No master sends this; whatever lies in between may do better next time.
      this.#socket?.destroy();
      return;
    }
    if (message.kind === 'welcome') this.#master = { version: message.version, epoch: message.epoch };
    if (!('id' in message) || message.id === undefined) return;
    const subscription = this.#subscriptions.get(message.id);
    if (subscription !== undefined && !subscription.take(message)) this.#subscriptions.delete(message.id);
  }

  #closed(code: number, reason: string): void {
    this.#socket = null;
    this.#stopListening();
    if (this.#state === 'closed') return;
    if (code === WATCH_CLOSE.unauthenticated) {
      this.#end(new ApiError(401, { code: 'unauthenticated', message: reason, requestId: '' }));
      return;
    }
    if (performance.now() - this.#openedAt >= GOOD_MS) this.#failures = 0;
    this.#enter('stale');
    this.#connectLater(null);
  }

  #listenForSilence(): void {
    const silenceMs = this.#options.silenceMs ?? SILENCE_MS;
    this.#silenceTimer = setInterval(() => {
      if (performance.now() - this.#lastHeardAt < silenceMs) return;
      this.#socket?.destroy();
    }, silenceMs / 4);
  }

  #stopListening(): void {
    if (this.#silenceTimer !== null) clearInterval(this.#silenceTimer);
    this.#silenceTimer = null;
  }

  #end(error: Error | null): void {
    if (this.#state === 'closed') return;
    this.#error = error;
    this.#options.signal?.removeEventListener('abort', this.close);
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    this.#stopListening();
    const subscriptions = [...this.#subscriptions.values()];
    this.#subscriptions.clear();
    this.#socket?.close();
    this.#socket = null;
    this.#enter('closed');
    for (const subscription of subscriptions) subscription.end(error);
  }

  #enter(state: WatchState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

/** Trying again would be answered alike. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  'unauthenticated',
  'forbidden',
  'misdirected_request',
  'not_found',
  'invalid_argument',
]);

function parse(text: string): WatchMessage | null {
  try {
    return JSON.parse(text) as WatchMessage;
  } catch {
    return null;
  }
}

/** `http://host/x` → `ws://host/x/api/v1/watch`. */
export function watchUrl(url: string): string {
  return `${url.replace(/^http/, 'ws')}${WATCH_PATH}`;
}
