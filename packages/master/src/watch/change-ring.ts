/**
 * The newest changes of one kind of row, in the order of their commits. An entry whose row has changed again since is
 * marked, so that every reader passes over it: it meets the newer one further on. That makes each reader see the newest
 * of every row, and nothing is kept per reader but a position.
 */
export interface ChangeEntry<Row> {
  readonly key: string;
  readonly row: Row;
  /** Newest event sequence as of the commit. */
  readonly sequence: number;
  isNewest: boolean;
}

export class ChangeRing<Row> {
  readonly #slots: (ChangeEntry<Row> | undefined)[];
  readonly #newest = new Map<string, ChangeEntry<Row>>();
  #first = 0;
  #next = 0;
  /** Changes with this sequence or an older one may be missing. */
  #missing: number;
  #since: number;

  /** `since`: what a list shows that was read at this sequence is continued here. */
  constructor(capacity: number, since: number) {
    this.#slots = new Array(capacity);
    this.#since = since;
    this.#missing = -1;
  }

  /** The oldest position that can be read. */
  get first(): number {
    return this.#first;
  }

  /** The position of the next change. */
  get next(): number {
    return this.#next;
  }

  add(key: string, row: Row, sequence: number): void {
    const capacity = this.#slots.length;
    if (this.#next - this.#first === capacity) this.#dropFirst();
    const before = this.#newest.get(key);
    if (before !== undefined) before.isNewest = false;
    const entry = { key, row, sequence, isNewest: true };
    this.#newest.set(key, entry);
    this.#slots[this.#next % capacity] = entry;
    this.#next += 1;
  }

  /** With `first <= position < next`. */
  at(position: number): ChangeEntry<Row> {
    return this.#slots[position % this.#slots.length]!;
  }

  /** The newest change of a row that is still here. */
  newest(key: string): ChangeEntry<Row> | undefined {
    return this.#newest.get(key);
  }

  /**
   * Where a reader begins that knows everything up to `after`, or null when changes since then are missing. It may meet
   * some that it knows: a commit changes rows without an event, too, and a reader may have got a part of one.
   */
  positionAfter(after: number): number | null {
    if (after < this.#since || after <= this.#missing) return null;
    let low = this.#first;
    let high = this.#next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.at(middle).sequence < after) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets everything; positions go on, so that readers notice. */
  reset(since: number): void {
    this.#slots.fill(undefined);
    this.#newest.clear();
    // One further than any reader can be.
    this.#next += 1;
    this.#first = this.#next;
    this.#since = since;
    this.#missing = -1;
  }

  #dropFirst(): void {
    const slot = this.#first % this.#slots.length;
    const entry = this.#slots[slot]!;
    if (entry.isNewest) this.#newest.delete(entry.key);
    this.#slots[slot] = undefined;
    this.#missing = entry.sequence;
    this.#first += 1;
  }
}
