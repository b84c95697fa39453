/**
 * The samples of the last hour of one worker, or of the cluster. Time is cut into slots of 5 s, one sample each, so no
 * time has to be kept beside the values: 4 bytes a value, 20 KiB a worker, 98 MiB for 5,000 of them.
 */
import type { Fields } from './fields.ts';

export const SLOT_MS = 5_000;
export const RING_MS = 3_600_000;
const SLOTS = RING_MS / SLOT_MS;

export class SampleRing {
  readonly #fields: Fields;
  readonly #values: Float32Array;
  /** Slot of the newest sample; slots from this back are valid. */
  #newest = -1;

  constructor(fields: Fields) {
    this.#fields = fields;
    this.#values = new Float32Array(SLOTS * fields.names.length).fill(Number.NaN);
  }

  get bytes(): number {
    return this.#values.byteLength;
  }

  /** A second sample of a slot replaces gauges and adds to counts. What is older than the newest is late, and dropped. */
  put(at: number, row: readonly number[]): void {
    const slot = Math.floor(at / SLOT_MS);
    if (slot < this.#newest) return;
    const isSame = slot === this.#newest;
    this.#advance(slot);
    const offset = this.#offset(slot);
    for (const [column, value] of row.entries()) {
      const before = isSame && this.#fields.isCount[column] ? this.#values[offset + column]! : Number.NaN;
      this.#values[offset + column] = Number.isNaN(before) ? value : before + value;
    }
  }

  /** Calls back with the start of each slot of [from, to) that has a sample, oldest first. The row is reused. */
  read(from: number, to: number, each: (at: number, row: Float32Array) => void): void {
    const first = Math.max(Math.floor(from / SLOT_MS), this.#newest - SLOTS + 1, 0);
    const last = Math.min(Math.ceil(to / SLOT_MS) - 1, this.#newest);
    const width = this.#fields.names.length;
    for (let slot = first; slot <= last; slot += 1) {
      const offset = this.#offset(slot);
      const row = this.#values.subarray(offset, offset + width);
      if (row.some((value) => !Number.isNaN(value))) each(slot * SLOT_MS, row);
    }
  }

  #advance(slot: number): void {
    const width = this.#fields.names.length;
    // Nobody was heard of in between: those slots still have what was there an hour before.
    for (let gap = Math.max(this.#newest + 1, slot - SLOTS + 1); gap <= slot; gap += 1)
      this.#values.fill(Number.NaN, this.#offset(gap), this.#offset(gap) + width);
    this.#newest = slot;
  }

  #offset(slot: number): number {
    return (slot % SLOTS) * this.#fields.names.length;
  }
}
