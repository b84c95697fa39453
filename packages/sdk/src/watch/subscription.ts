import type { LogLine } from '@cloudai/api/rest';
import type { Subscription as Request, TopicMessages, WatchMessage, WatchTopic } from '@cloudai/api/watch';
import { ApiError } from '../api-error.ts';
import type { LogRecord } from '../log-position.ts';
import { LogPlace } from './log-place.ts';

/** What a subscription asks for: the fields of the topic's request. */
export type WatchFilter<Topic extends WatchTopic> = Omit<
  Extract<Request, { readonly topic: Topic }>,
  'kind' | 'id' | 'topic' | 'offset'
>;

/** What a subscription of a topic gets. Log lines are without those that the connection is about. */
export type WatchUpdate<Topic extends WatchTopic> = Topic extends 'logs'
  ? { readonly kind: 'log'; readonly line: LogRecord }
  : TopicMessages[Topic];

export interface WatchListener<Topic extends WatchTopic> {
  onUpdate(update: WatchUpdate<Topic>): void;
  /** The master refused it (an ApiError), or refuses the whole watch. Nothing more comes. */
  onError?(error: Error): void;
  /** There is nothing left to tell: the log is over, or the watch was closed. */
  onEnd?(): void;
}

/** One subscription over all the connections that it lives through. */
export class Subscription<Topic extends WatchTopic = WatchTopic> {
  #id: string;
  readonly #listener: WatchListener<Topic>;
  readonly #place: LogPlace | null;
  #request: Request;
  #after: number | undefined;

  constructor(id: string, topic: Topic, filter: WatchFilter<Topic>, listener: WatchListener<Topic>) {
    this.#id = id;
    this.#listener = listener;
    this.#request = { ...filter, kind: 'subscribe', id, topic } as unknown as Request;
    this.#after = 'after' in this.#request ? this.#request.after : undefined;
    this.#place = topic === 'logs' ? new LogPlace() : null;
  }

  get id(): string {
    return this.#id;
  }

  rename(id: string): void {
    this.#id = id;
    this.#request = { ...this.#request, id };
  }

  /** Event sequence after which it goes on; undefined before the master has told where it began. */
  get sequence(): number | undefined {
    return this.#after;
  }

  /** What to send over a new connection. */
  request(): Request {
    const request = this.#request;
    if (request.topic === 'logs') return this.#place?.resume(request) ?? request;
    if (request.topic !== 'events' && request.topic !== 'tasks' && request.topic !== 'workers') return request;
    return this.#after === undefined ? request : { ...request, after: this.#after };
  }

  /** False: it is over. */
  take(message: WatchMessage): boolean {
    switch (message.kind) {
      case 'subscribed':
        this.#after ??= message.sequence;
        return true;
      case 'error':
        this.#listener.onError?.(new ApiError(0, { ...message.error, requestId: '' }));
        return false;
      case 'unsubscribed':
        this.#listener.onEnd?.();
        return false;
      case 'log':
        this.#takeLine(message.line);
        return true;
      case 'event':
        // A master never repeats one; this holds the promise against whatever may lie in between.
        if (this.#after !== undefined && message.sequence <= this.#after) return true;
        break;
    }
    if ('sequence' in message) this.#after = message.sequence;
    this.#listener.onUpdate(message as WatchUpdate<Topic>);
    return true;
  }

  /** The watch is closed. */
  end(error: Error | null): void {
    if (error === null) this.#listener.onEnd?.();
    else this.#listener.onError?.(error);
  }

  #takeLine(line: LogLine): void {
    if (line.kind === 'interrupted') return;
    const fresh = this.#place?.advance(line) ?? null;
    if (fresh !== null) this.#listener.onUpdate({ kind: 'log', line: fresh } as WatchUpdate<Topic>);
  }
}
