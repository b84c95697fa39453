/**
 * One reader: its subscriptions, and what is on its way to it. Nothing is made for it before there is room, so it costs
 * a bounded amount of memory however slow it is, and delays nobody.
 */
import type { Socket } from 'node:net';
import type { ErrorCode } from '@cloudai/api/errors';
import { type Subscription as SubscriptionRequest, WATCH_CLOSE, type WatchMessage } from '@cloudai/api/watch';
import type { RawData, WebSocket } from 'ws';
import type { Subject } from '../authorize.ts';
import { Rejected } from '../operations/index.ts';
import type { Caller } from '../rest/authenticate.ts';
import { errorReply } from '../rest/error-reply.ts';
import type { RestLog } from '../rest/options.ts';
import { openSource } from './open-source.ts';
import { readRequest } from './read-request.ts';
import type { Outlet, Source, SourceParts } from './source.ts';

export interface ConnectionParts extends Omit<SourceParts, 'subject' | 'outlet'> {
  readonly log: RestLog | undefined;
  /** Pumps this connection soon. */
  wake(connection: Connection): void;
}

/** What waits in this process for a reader; beyond it nothing further is made for it. */
const MOST_WAITING_BYTES = 64 * 1024;
/** Messages for one reader before the others have their turn. */
const MOST_AT_ONCE = 200;
const MOST_SUBSCRIPTIONS = 100;
/** Frames of a client, pings included: so many at once, and so many a second on the average. */
const FRAMES_AT_ONCE = 200;
const FRAMES_PER_SECOND = 20;
/** Frames that ask for nothing that exists, over the life of a connection. */
const MOST_MISTAKES = 100;

interface Subscription {
  readonly id: string;
  readonly heads: Map<string, string>;
  source: Source | null;
  isOver: boolean;
}

export class Connection {
  readonly caller: Caller;
  readonly #parts: ConnectionParts;
  readonly #socket: WebSocket;
  readonly #stream: Socket;
  readonly #subscriptions = new Map<string, Subscription>();
  #budget = 0;
  #frames = FRAMES_AT_ONCE;
  #framesAt: number;
  #mistakes = 0;
  #lastSentAt: number;
  #hasShownLife = true;

  constructor(socket: WebSocket, stream: Socket, caller: Caller, parts: ConnectionParts, now: number) {
    this.caller = caller;
    this.#socket = socket;
    this.#stream = stream;
    this.#parts = parts;
    this.#framesAt = now;
    this.#lastSentAt = now;
    socket.on('message', (data, isBinary) => this.#take(data, isBinary));
    socket.on('ping', () => this.#mayTake());
    socket.on('pong', () => {
      if (this.#mayTake()) this.#hasShownLife = true;
    });
    // The package closes the connection itself after a frame that is none.
    socket.on('error', () => {});
    socket.on('close', () => this.#closeSources());
    stream.on('drain', () => parts.wake(this));
    const { context, feed } = parts;
    const { epoch } = context.loop.engine.cluster();
    this.#sendText(JSON.stringify({ kind: 'welcome', version: context.version, epoch, sequence: feed.head }));
  }

  get subject(): Subject {
    return this.caller.subject;
  }

  /** True: it stopped to let others have their turn. */
  pump(): boolean {
    if (!this.#isOpen()) return false;
    this.#budget = MOST_AT_ONCE;
    this.#stream.cork();
    for (const subscription of this.#subscriptions.values()) {
      subscription.source?.pump();
      if (!this.#hasRoom()) break;
    }
    // Whoever was cut short is the last one next time.
    if (this.#budget <= 0) this.#rotate();
    this.#stream.uncork();
    return this.#budget <= 0;
  }

  tick(now: number): void {
    if (!this.#isOpen()) return;
    this.#budget = MOST_AT_ONCE;
    for (const { source } of this.#subscriptions.values()) source?.tick?.(now);
  }

  /** Says something when nothing else was said for a while. */
  sayAlive(now: number, everyMs: number): void {
    if (this.#isOpen() && now - this.#lastSentAt >= everyMs && this.#hasBytes())
      this.#sendText(`{"kind":"alive","sequence":${this.#parts.feed.head}}`);
  }

  /** Ends the connection when nothing was heard since it was asked last: what a dead peer is sent, the kernel takes. */
  askForLife(): void {
    if (!this.#hasShownLife) {
      this.#socket.terminate();
      return;
    }
    this.#hasShownLife = false;
    this.#socket.ping();
  }

  close(code: number, reason: string): void {
    this.#closeSources();
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #hasBytes(): boolean {
    return this.#socket.bufferedAmount < MOST_WAITING_BYTES;
  }

  #hasRoom(): boolean {
    return this.#budget > 0 && this.#hasBytes();
  }

  /** A client that sends more than it may is cut off. */
  #mayTake(): boolean {
    const now = performance.now();
    this.#frames = Math.min(FRAMES_AT_ONCE, this.#frames + ((now - this.#framesAt) / 1000) * FRAMES_PER_SECOND);
    this.#framesAt = now;
    this.#frames -= 1;
    if (this.#frames >= 0) return true;
    this.close(WATCH_CLOSE.policy, `more than ${FRAMES_PER_SECOND} frames a second`);
    return false;
  }

  #take(data: RawData, isBinary: boolean): void {
    if (!this.#isOpen() || !this.#mayTake()) return;
    this.#hasShownLife = true;
    const value = isBinary ? undefined : parse(String(data));
    if (value === undefined) {
      this.close(WATCH_CLOSE.notJson, 'a frame is no JSON text');
      return;
    }
    const id = idOf(value);
    try {
      const request = readRequest(value);
      if (request.kind === 'unsubscribe') this.#unsubscribe(request.id);
      else if (this.#subscriptions.has(request.id))
        this.#sendError(null, new Rejected('invalid_argument', `id: ${request.id} is subscribed already`));
      else if (this.#subscriptions.size >= MOST_SUBSCRIPTIONS)
        throw new Rejected('rate_limited', `A connection has ${MOST_SUBSCRIPTIONS} subscriptions at most`);
      else void this.#subscribe(request);
    } catch (error) {
      this.#sendError(id, error);
    }
  }

  async #subscribe(request: SubscriptionRequest): Promise<void> {
    const { id } = request;
    const subscription: Subscription = { id, heads: new Map(), source: null, isOver: false };
    this.#subscriptions.set(id, subscription);
    try {
      const parts = { ...this.#parts, subject: this.subject, outlet: this.#outletOf(subscription) };
      const source = await openSource(parts, request);
      if (subscription.isOver) {
        source.close();
        return;
      }
      subscription.source = source;
      this.#send(subscription, 'subscribed', `"sequence":${source.sequence}}`);
      source.tick?.(performance.now());
      this.#parts.wake(this);
    } catch (error) {
      if (!subscription.isOver) this.#fail(subscription, error);
    }
  }

  #unsubscribe(id: string): void {
    const subscription = this.#subscriptions.get(id);
    // It may have ended by itself while the frame was on its way.
    if (subscription === undefined) return;
    this.#forget(subscription);
    this.#send(subscription, 'unsubscribed', '}');
  }

  #outletOf(subscription: Subscription): Outlet {
    return {
      hasRoom: () => this.#hasRoom() && !subscription.isOver,
      send: (kind, rest) => {
        this.#budget -= 1;
        if (!subscription.isOver) this.#send(subscription, kind, rest);
      },
      wake: () => this.#parts.wake(this),
      end: () => {
        if (subscription.isOver) return;
        this.#forget(subscription);
        this.#send(subscription, 'unsubscribed', '}');
      },
      fail: (error) => {
        if (!subscription.isOver) this.#fail(subscription, error);
      },
    };
  }

  #fail(subscription: Subscription, error: unknown): void {
    this.#forget(subscription);
    this.#sendError(subscription.id, error);
  }

  #forget(subscription: Subscription): void {
    subscription.isOver = true;
    subscription.source?.close();
    this.#subscriptions.delete(subscription.id);
  }

  #closeSources(): void {
    for (const subscription of this.#subscriptions.values()) this.#forget(subscription);
  }

  #rotate(): void {
    const first = this.#subscriptions.values().next().value;
    if (first === undefined) return;
    this.#subscriptions.delete(first.id);
    this.#subscriptions.set(first.id, first);
  }

  #send(subscription: Subscription, kind: WatchMessage['kind'], rest: string): void {
    let head = subscription.heads.get(kind);
    if (head === undefined) {
      head = `{"kind":"${kind}","id":"${subscription.id}"${rest === '}' ? '' : ','}`;
      subscription.heads.set(kind, head);
    }
    this.#sendText(head + rest);
  }

  #sendError(id: string | null, error: unknown): void {
    const { requestId, ...rest } = errorReply(error, this.#parts.context.newId(), this.#parts.log).body.error;
    const shown: { readonly code: ErrorCode; readonly message: string } = rest;
    this.#sendText(JSON.stringify({ kind: 'error', ...(id === null ? {} : { id }), error: shown }));
    this.#mistakes += 1;
    if (this.#mistakes >= MOST_MISTAKES) this.close(WATCH_CLOSE.policy, 'too many frames ask for what there is not');
  }

  #sendText(text: string): void {
    if (!this.#isOpen()) return;
    this.#lastSentAt = performance.now();
    this.#socket.send(text);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // JSON has no such value.
  }
}

function idOf(value: unknown): string | null {
  const { id } = (value ?? {}) as { readonly id?: unknown };
  return typeof id === 'string' && id.length <= 64 ? id : null;
}
