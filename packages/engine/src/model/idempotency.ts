import type { IdempotencyRecord } from './tenancy.ts';

/**
 * A record weighs one, and one more for each task id in it: a call may name 10,000. When more come within their lifetime
 * the oldest go first, as memory is the harder limit: a million records of one task each are about 300 MB.
 */
const MAX_WEIGHT = 2_000_000;

/** Answers kept for repeated calls, by namespace and key, in the order in which they expire. */
export class IdempotencyRecords {
  readonly #records = new Map<string, IdempotencyRecord>();
  readonly #maxWeight: number;
  #weight = 0;

  constructor(maxWeight = MAX_WEIGHT) {
    this.#maxWeight = maxWeight;
  }

  get isTooHeavy(): boolean {
    return this.#weight > this.#maxWeight;
  }

  get oldest(): IdempotencyRecord | undefined {
    return this.#records.values().next().value;
  }

  get(namespace: string, key: string): IdempotencyRecord | undefined {
    return this.#records.get(keyOf({ namespace, key }));
  }

  values(): Iterable<IdempotencyRecord> {
    return this.#records.values();
  }

  /** Has to expire after all others. */
  add(record: IdempotencyRecord): void {
    // Deleted first, so that it moves to the end of the order.
    this.delete(record);
    this.#records.set(keyOf(record), record);
    this.#weight += weightOf(record);
  }

  delete(record: { readonly namespace: string; readonly key: string }): void {
    const known = this.#records.get(keyOf(record));
    if (known === undefined) return;
    this.#records.delete(keyOf(record));
    this.#weight -= weightOf(known);
  }
}

/** In the order in which they expire; the same for the same records, whatever order a store has them in. */
export function byExpiry(a: IdempotencyRecord, b: IdempotencyRecord): number {
  return a.expiresAt - b.expiresAt || (keyOf(a) < keyOf(b) ? -1 : 1);
}

function keyOf(record: { readonly namespace: string; readonly key: string }): string {
  return `${record.namespace}\n${record.key}`;
}

function weightOf({ taskIds }: IdempotencyRecord): number {
  return 1 + taskIds.length;
}
