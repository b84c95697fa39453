/** What a counter grew by each second. A counter that fell began anew: that tells nothing. */
export class Rate {
  #at = -1;
  #value = 0;

  /** NaN for the first value, and after a restart of whoever counts. */
  put(at: number, value: number): number {
    const elapsed = at - this.#at;
    const grown = value - this.#value;
    const isFirst = this.#at < 0;
    this.#at = at;
    this.#value = value;
    return isFirst || elapsed <= 0 || grown < 0 ? Number.NaN : (grown * 1000) / elapsed;
  }
}
