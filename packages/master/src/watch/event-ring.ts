import type { ClusterEvent } from '@cloudai/engine';

export interface EventEntry {
  readonly event: ClusterEvent;
  /** Its message without the part that names the subscription; made for the first reader, used for all. */
  text: string | null;
}

/** The newest events, by sequence. What is older is in the store. */
export class EventRing {
  readonly #slots: (EventEntry | undefined)[];
  #floor: number;
  #head: number;

  /** `head`: the newest sequence before the first event that will be added. */
  constructor(capacity: number, head: number) {
    this.#slots = new Array(capacity);
    this.#floor = head;
    this.#head = head;
  }

  /** Everything after this sequence is here. */
  get floor(): number {
    return this.#floor;
  }

  get head(): number {
    return this.#head;
  }

  add(event: ClusterEvent): void {
    const capacity = this.#slots.length;
    this.#slots[event.sequence % capacity] = { event, text: null };
    this.#head = event.sequence;
    if (this.#head - this.#floor > capacity) this.#floor = this.#head - capacity;
  }

  /** With `floor < sequence <= head`. */
  at(sequence: number): EventEntry {
    return this.#slots[sequence % this.#slots.length]!;
  }

  /** Forgets everything: what follows does not continue what is here. */
  reset(head: number): void {
    this.#slots.fill(undefined);
    this.#floor = head;
    this.#head = head;
  }
}
