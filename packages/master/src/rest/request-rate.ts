/**
 * Keeps one user's script from taking the master from all others: each token has a bucket of requests that fills again
 * at a steady rate. Admins are not bounded: what they run is the operation of the cluster itself.
 */
import type { Subject } from '../authorize.ts';
import { Rejected } from '../operations/index.ts';
import { rootOf } from '../subject.ts';

export const REQUESTS_A_SECOND = 500;
/** A page that opens asks for many things at once. */
const BURST_SECONDS = 4;
/** Beyond it the token that was seen first is forgotten, which fills its bucket. */
const MOST_TOKENS = 10_000;

interface Bucket {
  left: number;
  at: number;
}

export class RequestRate {
  readonly #perSecond: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** null: unbounded. */
  constructor(perSecond: number | null, now: () => number) {
    this.#perSecond = perSecond ?? Number.POSITIVE_INFINITY;
    this.#now = now;
  }

  /** Takes one request, or throws `rate_limited`. The sessions of a token share its bucket. */
  take({ role, tokenId }: Subject): void {
    if (role === 'admin' || this.#perSecond === Number.POSITIVE_INFINITY) return;
    const bucket = this.#bucketOf(rootOf(tokenId));
    if (bucket.left < 1) {
      const retryAfterSeconds = Math.max(1, Math.ceil((1 - bucket.left) / this.#perSecond));
      throw new Rejected(
        'rate_limited',
        `This token may make ${this.#perSecond} requests a second; wait ${retryAfterSeconds} s`,
        undefined,
        { retryAfterSeconds },
      );
    }
    bucket.left -= 1;
  }

  get size(): number {
    return this.#buckets.size;
  }

  #bucketOf(key: string): Bucket {
    const now = this.#now();
    const most = this.#perSecond * BURST_SECONDS;
    const bucket = this.#buckets.get(key) ?? { left: most, at: now };
    bucket.left = Math.min(most, bucket.left + (Math.max(0, now - bucket.at) / 1000) * this.#perSecond);
    bucket.at = now;
    if (!this.#buckets.has(key) && this.#buckets.size >= MOST_TOKENS)
      this.#buckets.delete(this.#buckets.keys().next().value!);
    this.#buckets.set(key, bucket);
    return bucket;
  }
}
