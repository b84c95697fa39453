/** Brings samples of any resolution into the steps that a reader asked for. */
import type { Fields } from './fields.ts';

export interface Columns {
  readonly at: number[];
  readonly series: Record<string, (number | null)[]>;
  readonly max: Record<string, (number | null)[]>;
}

export interface Point {
  readonly at: number;
  /** For how long it speaks at most, when no other follows. */
  readonly holdMs: number;
  readonly mean: ArrayLike<number>;
  readonly max: ArrayLike<number>;
  /** How many samples are in it. */
  readonly weight: number;
}

export class Buckets {
  readonly #fields: Fields;
  readonly #from: number;
  readonly #stepMs: number;
  readonly #count: number;
  readonly #sums: Float64Array;
  readonly #weights: Float64Array;
  readonly #max: Float64Array;
  /** Until when the samples of a bucket speak. */
  readonly #heldUntil: Float64Array;

  /** `from` is a multiple of `stepMs`. */
  constructor(fields: Fields, from: number, to: number, stepMs: number) {
    this.#fields = fields;
    this.#from = from;
    this.#stepMs = stepMs;
    this.#count = Math.max(1, Math.ceil((to - from) / stepMs));
    const size = this.#count * fields.names.length;
    this.#sums = new Float64Array(size);
    this.#weights = new Float64Array(size);
    this.#max = new Float64Array(size).fill(Number.NaN);
    this.#heldUntil = new Float64Array(this.#count);
  }

  add({ at, holdMs, mean, max, weight }: Point): void {
    const bucket = Math.floor((at - this.#from) / this.#stepMs);
    if (bucket < 0 || bucket >= this.#count) return;
    this.#heldUntil[bucket] = Math.max(this.#heldUntil[bucket]!, at + holdMs);
    const width = this.#fields.names.length;
    for (let column = 0; column < width; column += 1) {
      const value = mean[column]!;
      if (Number.isNaN(value)) continue;
      const index = bucket * width + column;
      this.#sums[index]! += this.#fields.isCount[column] ? value : value * weight;
      this.#weights[index]! += weight;
      const highest = this.#max[index]!;
      const peak = max[column]!;
      if (Number.isNaN(highest) || peak > highest) this.#max[index] = peak;
    }
  }

  columns(): Columns {
    const { names } = this.#fields;
    const at = Array.from({ length: this.#count }, (_, bucket) => this.#from + bucket * this.#stepMs);
    const series: Columns['series'] = {};
    const max: Columns['max'] = {};
    for (const [column, name] of names.entries()) {
      series[name] = this.#column(column, (index) =>
        this.#fields.isCount[column] ? this.#sums[index]! : this.#sums[index]! / this.#weights[index]!,
      );
      max[name] = this.#column(column, (index) => this.#max[index]!);
    }
    return { at, series, max };
  }

  /** What was added, one point for each step that has any. */
  points(): Point[] {
    const width = this.#fields.names.length;
    const points: Point[] = [];
    for (let bucket = 0; bucket < this.#count; bucket += 1) {
      const from = bucket * width;
      const weights = this.#weights.subarray(from, from + width);
      const weight = Math.max(...weights);
      if (weight === 0) continue;
      const at = this.#from + bucket * this.#stepMs;
      const mean = Float64Array.from(weights, (own, column) => {
        if (own === 0) return Number.NaN;
        return this.#sums[from + column]! / (this.#fields.isCount[column] ? 1 : own);
      });
      const max = this.#max.slice(from, from + width);
      points.push({ at, holdMs: this.#heldUntil[bucket]! - at, weight, mean, max });
    }
    return points;
  }

  /** A bucket between two samples that came a little late is no gap: what was measured before still holds. */
  #column(column: number, read: (index: number) => number): (number | null)[] {
    const width = this.#fields.names.length;
    const values: (number | null)[] = [];
    let last: number | null = null;
    let holdsUntil = 0;
    for (let bucket = 0; bucket < this.#count; bucket += 1) {
      const index = bucket * width + column;
      if (this.#weights[index]! > 0) {
        last = tidy(read(index));
        holdsUntil = this.#heldUntil[bucket]!;
        values.push(last);
      } else {
        const start = this.#from + bucket * this.#stepMs;
        const isHeld = last !== null && start < holdsUntil;
        values.push(isHeld ? (this.#fields.isCount[column] ? 0 : last) : null);
      }
    }
    return values;
  }
}

/** Single precision has seven digits; what is written beyond them is noise. */
function tidy(value: number): number | null {
  if (!Number.isFinite(value)) return null;
  return Math.abs(value) >= 100_000 ? Math.round(value) : Number(value.toPrecision(7));
}
