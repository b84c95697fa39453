/** What happens when, in virtual time. Events of one moment come out in the order of their rank, then as they went in. */
export class EventQueue<E> {
  readonly #heap: Entry<E>[] = [];
  #added = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the next event is due; Infinity if there is none. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  add(at: number, event: E, rank = 0): void {
    const heap = this.#heap;
    const entry = { at, rank, order: this.#added++, event };
    let place = heap.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = entry;
  }

  /** Throws when there is none. */
  take(): E {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined) throw new Error('no event is left');
    const last = heap.pop()!;
    if (heap.length > 0) this.#sink(last);
    return first.event;
  }

  #sink(entry: Entry<E>): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, entry)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = entry;
  }
}

interface Entry<E> {
  readonly at: number;
  readonly rank: number;
  readonly order: number;
  readonly event: E;
}

function isBefore<E>(a: Entry<E>, b: Entry<E>): boolean {
  if (a.at !== b.at) return a.at < b.at;
  if (a.rank !== b.rank) return a.rank < b.rank;
  return a.order < b.order;
}
