/**
 * What the cluster waits for by the clock: an indexed binary heap, one entry per key, earliest first.
 * Arming, moving and disarming cost O(log n), so a million tasks with a start time are no burden.
 * Equal times fire in the order of their keys, which keeps a replay identical after a reload.
 */
export interface Timer {
  readonly key: string;
  readonly at: number;
}

export class Timers {
  readonly #heap: Timer[] = [];
  readonly #slots = new Map<string, number>();

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest one, still armed. */
  peek(): Timer | undefined {
    return this.#heap[0];
  }

  /** When `key` fires, or null when it is not armed. */
  at(key: string): number | null {
    const slot = this.#slots.get(key);
    return slot === undefined ? null : this.#heap[slot]!.at;
  }

  /** Arms `key`, or moves it when it is armed already. */
  arm(key: string, at: number): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) {
      this.#heap.push({ key, at });
      this.#slots.set(key, this.#heap.length - 1);
      this.#rise(this.#heap.length - 1);
      return;
    }
    if (this.#heap[slot]!.at === at) return;
    this.#heap[slot] = { key, at };
    this.#sink(this.#rise(slot));
  }

  disarm(key: string): boolean {
    const slot = this.#slots.get(key);
    if (slot === undefined) return false;
    this.#slots.delete(key);
    const last = this.#heap.pop()!;
    if (slot < this.#heap.length) {
      this.#heap[slot] = last;
      this.#slots.set(last.key, slot);
      this.#sink(this.#rise(slot));
    }
    return true;
  }

  /** Disarms and returns the earliest timer that is due at `now`. */
  takeDue(now: number): Timer | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.at > now) return undefined;
    this.disarm(first.key);
    return first;
  }

  /** All of them, in no particular order. */
  values(): Iterable<Timer> {
    return this.#heap;
  }

  #rise(from: number): number {
    const heap = this.#heap;
    const timer = heap[from]!;
    let slot = from;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      if (!isBefore(timer, heap[parent]!)) break;
      this.#set(slot, heap[parent]!);
      slot = parent;
    }
    this.#set(slot, timer);
    return slot;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const timer = heap[from]!;
    let slot = from;
    for (;;) {
      let child = 2 * slot + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!isBefore(heap[child]!, timer)) break;
      this.#set(slot, heap[child]!);
      slot = child;
    }
    this.#set(slot, timer);
  }

  #set(slot: number, timer: Timer): void {
    this.#heap[slot] = timer;
    this.#slots.set(timer.key, slot);
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.key < b.key);
}
