/**
 * The worker's right to start containers: fresh while the last heartbeat that the master acknowledged was sent not
 * longer than `leaseMs` ago. A worker that the master can not hear stops starting things long before the master gives
 * its attempts to others.
 */
export class Lease {
  #leaseMs = 0;
  /** When the newest acknowledged heartbeat was sent, by the clock of `isFresh`. */
  #renewedAt = Number.NEGATIVE_INFINITY;

  /** A new session says how long a lease lasts; what an earlier one acknowledged no longer counts. */
  begin(leaseMs: number): void {
    this.#leaseMs = leaseMs;
    this.#renewedAt = Number.NEGATIVE_INFINITY;
  }

  renew(sentAt: number): void {
    this.#renewedAt = Math.max(this.#renewedAt, sentAt);
  }

  isFresh(now: number): boolean {
    return now - this.#renewedAt <= this.#leaseMs;
  }
}
