/**
 * Keeps one user's script from taking the master from all others: each token has a bucket of requests that fills again
 * at a steady rate. Admins are not bounded: what they run is the operation of the cluster itself.
 */
import type { OperationName } from '@cloudai/api/rest';
import type { Subject } from '../authorize.ts';
import { Rejected } from '../operations/index.ts';
import { rootOf } from '../subject.ts';

export const REQUESTS_A_SECOND = 500;
/** A page that opens asks for many things at once. */
const BURST_SECONDS = 4;
/** Beyond it the token that was seen first is forgotten, which fills its bucket. */
const MOST_TOKENS = 10_000;

/** What reads much of the store, or makes much of work, counts as so many requests. */
const COSTS: Readonly<Partial<Record<OperationName, number>>> = {
  listTasks: 5,
  listWorkerTasks: 5,
  listEvents: 5,
  listWorkerEvents: 5,
  listJobs: 25,
  getJob: 5,
  getArchive: 5,
  submitJob: 25,
  cancelTasks: 25,
  retryTasks: 25,
  cancelJob: 25,
};
/** A search looks at every task when it finds none. */
const SEARCH_COST = 50;

export function costOf(operation: OperationName, query: Readonly<Record<string, unknown>>): number {
  return query.q === undefined ? (COSTS[operation] ?? 1) : SEARCH_COST;
}

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

  /** Takes a request, or throws `rate_limited`. The sessions of a token share its bucket. */
  take({ role, tokenId }: Subject, cost = 1): void {
    if (role === 'admin' || this.#perSecond === Number.POSITIVE_INFINITY) return;
    const bucket = this.#bucketOf(rootOf(tokenId));
    // Of what costs more than a bucket holds a full one allows one.
    const price = Math.min(cost, this.#perSecond * BURST_SECONDS);
    if (bucket.left < price) {
      const retryAfterSeconds = Math.max(1, Math.ceil((price - bucket.left) / this.#perSecond));
      throw new Rejected(
        'rate_limited',
        `This token may make ${this.#perSecond} requests a second, of which this is ${cost}; wait ${retryAfterSeconds} s`,
        undefined,
        { retryAfterSeconds },
      );
    }
    bucket.left -= price;
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
