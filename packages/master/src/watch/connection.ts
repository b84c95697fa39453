/**
 * One reader of the watch: its subscriptions, and what is on its way to it. Nothing is made for it before there is room,
 * so it costs a bounded amount of memory however slow it is, and delays nobody.
 */
import { type Subscription as SubscriptionRequest, WATCH_CLOSE, type WatchMessage } from '@cloudai/api/watch';
import type { RawData } from 'ws';
import { Rejected } from '../operations/index.ts';
import { errorReply } from '../rest/error-reply.ts';
import type { RestLog } from '../rest/options.ts';
import { openSource } from './open-source.ts';
import { readRequest } from './read-request.ts';
import { Reader, type ReaderSocket } from './reader.ts';
import type { Outlet, Source, SourceParts } from './source.ts';

export interface ConnectionParts extends Omit<SourceParts, 'subject' | 'outlet'> {
  readonly log: RestLog | undefined;
  /** Pumps this reader soon. */
  wake(reader: Reader): void;
}

const MOST_SUBSCRIPTIONS = 100;
/** Frames that ask for nothing that exists, over the life of a connection. */
const MOST_MISTAKES = 100;

interface Subscription {
  readonly id: string;
  readonly heads: Map<string, string>;
  source: Source | null;
  isOver: boolean;
}

export class Connection extends Reader {
  readonly #parts: ConnectionParts;
  readonly #subscriptions = new Map<string, Subscription>();
  #mistakes = 0;

  constructor(socket: ReaderSocket, parts: ConnectionParts) {
    super(socket);
    this.#parts = parts;
    const { context, feed } = parts;
    const { epoch } = context.loop.engine.cluster();
    this.sendText(JSON.stringify({ kind: 'welcome', version: context.version, epoch, sequence: feed.head }));
  }

  protected override take(data: RawData, isBinary: boolean): void {
    const value = isBinary ? undefined : parse(String(data));
    if (value === undefined) {
      this.close(WATCH_CLOSE.notJson, 'a frame is no JSON text');
      return;
    }
    try {
      const request = readRequest(value);
      if (request.kind === 'unsubscribe') this.#unsubscribe(request.id);
      else if (this.#subscriptions.has(request.id))
        this.#sendError(null, new Rejected('invalid_argument', `id: ${request.id} is subscribed already`));
      else if (this.#subscriptions.size >= MOST_SUBSCRIPTIONS)
        throw new Rejected('rate_limited', `A connection has ${MOST_SUBSCRIPTIONS} subscriptions at most`);
      else void this.#subscribe(request);
    } catch (error) {
      this.#sendError(idOf(value), error);
    }
  }

  protected override release(): void {
    for (const subscription of this.#subscriptions.values()) this.#forget(subscription);
  }

  protected override pumpSources(): void {
    let last: Subscription | null = null;
    for (const subscription of this.#subscriptions.values()) {
      subscription.source?.pump();
      last = subscription;
      if (!this.hasRoom()) break;
    }
    // Whoever took all the room is the last one next time.
    if (last === null || this.hasRoom() || last.isOver) return;
    this.#subscriptions.delete(last.id);
    this.#subscriptions.set(last.id, last);
  }

  protected override tickSources(now: number): void {
    for (const { source } of this.#subscriptions.values()) source?.tick?.(now);
  }

  protected override aliveText(): string {
    return `{"kind":"alive","sequence":${this.#parts.feed.head}}`;
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
    if (subscription !== undefined) this.#end(subscription);
  }

  #outletOf(subscription: Subscription): Outlet {
    return {
      hasRoom: () => this.hasRoom() && !subscription.isOver,
      send: (kind, rest) => {
        if (!subscription.isOver) this.#send(subscription, kind, rest);
      },
      wake: () => this.#parts.wake(this),
      end: () => {
        if (!subscription.isOver) this.#end(subscription);
      },
      fail: (error) => {
        if (!subscription.isOver) this.#fail(subscription, error);
      },
    };
  }

  #end(subscription: Subscription): void {
    this.#forget(subscription);
    this.#send(subscription, 'unsubscribed', '}');
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

  #send(subscription: Subscription, kind: WatchMessage['kind'], rest: string): void {
    let head = subscription.heads.get(kind);
    if (head === undefined) {
      head = `{"kind":"${kind}","id":"${subscription.id}"${rest === '}' ? '' : ','}`;
      subscription.heads.set(kind, head);
    }
    this.sendText(head + rest);
  }

  #sendError(id: string | null, error: unknown): void {
    const { requestId: _, ...shown } = errorReply(error, this.#parts.context.newId(), this.#parts.log).body.error;
    this.sendText(JSON.stringify({ kind: 'error', ...(id === null ? {} : { id }), error: shown }));
    this.#mistakes += 1;
    if (this.#mistakes >= MOST_MISTAKES) this.close(WATCH_CLOSE.policy, 'too many frames ask for what there is not');
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
