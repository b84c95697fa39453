/**
 * Slows down whoever guesses tokens: an address with many failures in a minute is told to wait. Good tokens are never
 * asked to, so that one broken script does not lock out those who share its address.
 */
import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { Rejected } from '../operations/index.ts';
import { type Caller, showsToken } from './authenticate.ts';

export const FAILED_LOGINS_A_MINUTE = 20;
const WINDOW_MS = 60_000;
/** A few megabytes at most. Beyond it the address that began to fail first is forgotten. */
const MOST_ADDRESSES = 10_000;

interface Failures {
  readonly since: number;
  count: number;
}

export class FailedLogins {
  readonly #mostAMinute: number;
  readonly #now: () => number;
  /** In the order of their first failures. */
  readonly #byAddress = new Map<string, Failures>();

  constructor(mostAMinute: number, now: () => number) {
    this.#mostAMinute = mostAMinute;
    this.#now = now;
  }

  /** Counts the failure if it is one of a token, and answers what the caller is told. */
  judge(address: string | undefined, error: unknown): unknown {
    if (!(error instanceof Rejected) || error.code !== 'unauthenticated') return error;
    const now = this.#now();
    const key = networkOf(address ?? '');
    let failures = this.#byAddress.get(key);
    if (failures === undefined || now - failures.since >= WINDOW_MS) {
      this.#byAddress.delete(key);
      this.#makeRoom(now);
      failures = { since: now, count: 0 };
      this.#byAddress.set(key, failures);
    }
    failures.count += 1;
    if (failures.count <= this.#mostAMinute) return error;
    const retryAfterSeconds = Math.max(1, Math.ceil((failures.since + WINDOW_MS - now) / 1_000));
    const message = `${this.#mostAMinute} logins from this address failed within a minute; the next may in ${retryAfterSeconds} s`;
    return new Rejected('rate_limited', message, undefined, { retryAfterSeconds });
  }

  /** `work` admits a request; a failure that is due to a token counts. */
  admit(address: string | undefined, headers: FastifyRequest['headers'], work: () => Caller): Caller {
    try {
      return work();
    } catch (error) {
      throw showsToken(headers) ? this.judge(address, error) : error;
    }
  }

  get size(): number {
    return this.#byAddress.size;
  }

  #makeRoom(now: number): void {
    for (const [key, { since }] of this.#byAddress) {
      if (this.#byAddress.size < MOST_ADDRESSES && now - since < WINDOW_MS) return;
      this.#byAddress.delete(key);
    }
  }
}

/** Whoever has one address of version 6 has a whole /64 of them. */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = ''] = address.split('::', 1);
  const groups = address.includes('::') ? head.split(':').filter((group) => group !== '') : address.split(':');
  return groups.slice(0, 4).join(':');
}
