import { ApiError } from './api-error.ts';
import { ConnectionError } from './transport/transport.ts';

export interface RetryOptions {
  /** How many times a call is repeated. Default 5: with the waits below about six seconds, enough for a master restart. */
  readonly limit: number;
  /** First wait, ms; doubles each time. Default 200. */
  readonly baseMs: number;
  /** Longest wait, ms. Default 3000. */
  readonly maxMs: number;
}

export const DEFAULT_RETRY: RetryOptions = { limit: 5, baseMs: 200, maxMs: 3000 };

/** Told before each wait, so that a person can be shown why nothing happens. */
export interface RetryNotice {
  readonly error: ApiError | ConnectionError;
  /** 1 for the first repeat. */
  readonly attempt: number;
  readonly limit: number;
  readonly waitMs: number;
}

/**
 * Which failures may be repeated.
 * `always`     carrying it out twice does no harm (reads; submits carry an Idempotency-Key)
 * `unsent`     only when the request can not have reached the master
 */
export type Repeatable = 'always' | 'unsent';

/** The failure, when it is one that a repeat can cure; null for all others. */
export function transient(error: unknown, repeatable: Repeatable): ApiError | ConnectionError | null {
  if (error instanceof ConnectionError) {
    if (error.kind === 'refused') return error;
    return error.kind === 'lost' && repeatable === 'always' ? error : null;
  }
  if (!(error instanceof ApiError)) return null;
  // The master says `unavailable` before it has begun, so a repeat of anything is safe then. A full disk needs a person.
  if (error.code === 'unavailable') return error.status === 503 || repeatable === 'always' ? error : null;
  return error.code === 'rate_limited' ? error : null;
}

/** Exponential with a random part, so that many clients do not come back together. */
export function backoffMs(attempt: number, options: RetryOptions, retryAfterMs: number | null): number {
  if (retryAfterMs !== null) return Math.min(Math.max(retryAfterMs, 0), 30_000);
  const full = Math.min(options.maxMs, options.baseMs * 2 ** (attempt - 1));
  return Math.round(full * (0.75 + Math.random() * 0.25));
}

/** Waits; rejects with the signal's reason when it fires. */
export function sleep(ms: number, signal: AbortSignal | null): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  if (signal?.aborted === true) return Promise.reject(signal.reason);
  const stop = () => {
    clearTimeout(timer);
    reject(signal?.reason);
  };
  const timer = setTimeout(() => {
    signal?.removeEventListener('abort', stop);
    resolve();
  }, ms);
  signal?.addEventListener('abort', stop, { once: true });
  return promise;
}
