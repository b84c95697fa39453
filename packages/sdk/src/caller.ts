/** What every call of the client goes through: addresses, credentials, safe repeats, errors, pages. */
import type { List } from '@cloudai/api/rest';
import { type OperationName, ROUTES } from '@cloudai/api/routes';
import { createTransport } from '#transport';
import { toApiError } from './api-error.ts';
import { Listing } from './listing.ts';
import {
  backoffMs,
  DEFAULT_RETRY,
  type Repeatable,
  type RetryNotice,
  type RetryOptions,
  sleep,
  transient,
} from './retry.ts';
import type { Transport, TransportResponse } from './transport/transport.ts';
import { fillPath, type Query, queryString } from './url.ts';

export interface CloudAIOptions {
  /** Where the master answers, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Bearer token; a browser may rely on its cookie instead. */
  readonly token?: string | null;
  /** Namespace of everything this client submits and lists. The master's default without it. */
  readonly namespace?: string | null;
  /** PEM of the cluster's certificate authority, for `https:` with a certificate of its own. Node only. */
  readonly ca?: string | null;
  readonly retry?: Partial<RetryOptions>;
  readonly onRetry?: (notice: RetryNotice) => void;
  /** Longest wait for an answer to begin, ms. Default 30,000. */
  readonly answerTimeoutMs?: number;
  readonly userAgent?: string;
  /** For tests and unusual networks. */
  readonly transport?: Transport;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface SubmitOptions extends CallOptions {
  /** Made by the client when left out. Reuse one to make a repeat from a new process safe. */
  readonly idempotencyKey?: string;
  readonly namespace?: string;
}

export interface Call {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly repeatable?: Repeatable;
  readonly signal?: AbortSignal | undefined;
}

export class Caller {
  readonly #url: string;
  readonly namespace: string | null;
  readonly token: string | null;
  readonly ca: string | null;
  readonly userAgent: string | null;
  readonly retry: RetryOptions;
  readonly onRetry: ((notice: RetryNotice) => void) | null;
  readonly answerTimeoutMs: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #transport: Transport;

  constructor(options: CloudAIOptions) {
    this.#url = options.url.replace(/\/+$/, '');
    this.namespace = options.namespace ?? null;
    this.token = options.token ?? null;
    this.ca = options.ca ?? null;
    this.userAgent = options.userAgent ?? null;
    this.#headers = {
      accept: 'application/json',
      // The cookie of a browser comes along by itself; the header shows that a page of the master meant the request.
      ...(options.token == null ? { 'x-cloudai-csrf': '1' } : { authorization: `Bearer ${options.token}` }),
      ...(options.userAgent === undefined ? {} : { 'user-agent': options.userAgent }),
    };
    this.retry = { ...DEFAULT_RETRY, ...options.retry };
    this.onRetry = options.onRetry ?? null;
    this.answerTimeoutMs = options.answerTimeoutMs ?? 30_000;
    this.#transport = options.transport ?? createTransport({ ca: options.ca ?? null });
  }

  close(): void {
    this.#transport.close();
  }

  /** A page may name its own master by a path, or by nothing. */
  absoluteUrl(): string {
    const { location } = globalThis as { location?: { readonly href: string } };
    return location === undefined ? this.#url : new URL(this.#url, location.href).href.replace(/\/+$/, '');
  }

  /** A submit, which carries a key so that it can be repeated. */
  submit<T>(operation: 'submitTask' | 'submitJob', body: unknown, options?: SubmitOptions): Promise<T> {
    const query = { namespace: options?.namespace ?? this.namespace ?? undefined };
    return this.json(operation, { query, body, ...repeatable(options) });
  }

  /** `cursorName`: the query in which `next` of a page goes back. */
  list<T>(
    operation: OperationName,
    params: Readonly<Record<string, string>>,
    query: Query,
    cursorName: 'cursor' | 'after' | 'before' = 'cursor',
  ): Listing<T> {
    return new Listing(async (cursor) => {
      const response = await this.send(operation, {
        params,
        query: cursor === null ? query : { ...query, [cursorName]: cursor },
      });
      const sequence = response.header('x-cloudai-sequence');
      const list = JSON.parse(await text(response)) as List<T>;
      return { ...list, sequence: sequence === null ? null : Number(sequence) };
    });
  }

  /** For an answer without content. */
  async empty(operation: OperationName, call: Call): Promise<void> {
    for await (const _ of (await this.send(operation, call)).body); // Read to its end, so that the connection is free again.
  }

  async json<T>(operation: OperationName, call: Call): Promise<T> {
    return JSON.parse(await text(await this.send(operation, call))) as T;
  }

  /** The answer when it is a success; everything else is thrown, after the repeats that are allowed. */
  async send(operation: OperationName, call: Call): Promise<TransportResponse> {
    const repeatable = call.repeatable ?? (ROUTES[operation].method === 'POST' ? 'unsent' : 'always');
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once(operation, call);
      } catch (error) {
        const cause = call.signal?.aborted === true ? null : transient(error, repeatable);
        if (cause === null || attempt > this.retry.limit) throw error;
        const waitMs = backoffMs(attempt, this.retry, 'retryAfterMs' in cause ? cause.retryAfterMs : null);
        this.onRetry?.({ error: cause, attempt, limit: this.retry.limit, waitMs });
        await sleep(waitMs, call.signal ?? null);
      }
    }
  }

  /** Without repeats. */
  async once(operation: OperationName, call: Call): Promise<TransportResponse> {
    const route = ROUTES[operation];
    const url = this.#url + fillPath(route.path, call.params ?? {}) + queryString(call.query ?? {});
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    const response = await this.#transport.send({
      method: route.method,
      url,
      headers: { ...this.#headers, ...call.headers, ...(body === null ? {} : { 'content-type': 'application/json' }) },
      body,
      signal: call.signal ?? null,
      answerTimeoutMs: this.answerTimeoutMs,
    });
    if (response.status >= 200 && response.status < 300) return response;
    throw toApiError(response.status, await text(response), new URL(url).host, response.header('retry-after'));
  }
}

/** A submit that may be sent again: the master answers a second one with the same key as it answered the first. */
export function repeatable(options: SubmitOptions = {}): Pick<Call, 'headers' | 'repeatable' | 'signal'> {
  return {
    headers: { 'idempotency-key': options.idempotencyKey ?? crypto.randomUUID() },
    repeatable: 'always',
    signal: options.signal,
  };
}

async function text(response: TransportResponse): Promise<string> {
  const decoder = new TextDecoder();
  let whole = '';
  for await (const chunk of response.body) whole += decoder.decode(chunk, { stream: true });
  return whole + decoder.decode();
}
