/** Gathers the samples of the minute that goes on, of the cluster and of each worker. */
import { CLUSTER, type Minute } from './archive.ts';
import { CLUSTER_FIELDS, type Fields, WORKER_FIELDS } from './fields.ts';
import { MINUTE_MS } from './range.ts';

class Gathering {
  readonly #fields: Fields;
  readonly #sums: Float64Array;
  readonly #weights: Float64Array;
  readonly #max: Float32Array;
  #weight = 0;

  constructor(fields: Fields) {
    this.#fields = fields;
    this.#sums = new Float64Array(fields.names.length);
    this.#weights = new Float64Array(fields.names.length);
    this.#max = new Float32Array(fields.names.length).fill(Number.NaN);
  }

  add(row: readonly number[]): void {
    this.#weight += 1;
    for (const [column, value] of row.entries()) {
      if (Number.isNaN(value)) continue;
      this.#sums[column]! += value;
      this.#weights[column]! += 1;
      if (!(this.#max[column]! >= value)) this.#max[column] = value;
    }
  }

  take(source: string): Minute {
    const mean = Float32Array.from(this.#sums, (sum, column) => {
      if (this.#weights[column] === 0) return Number.NaN;
      return this.#fields.isCount[column] ? sum : sum / this.#weights[column]!;
    });
    return { source, weight: this.#weight, mean, max: this.#max };
  }
}

export class MinuteBook {
  readonly #keep: (at: number, minutes: readonly Minute[]) => void;
  #minute = -1;
  #gathered = new Map<string, Gathering>();

  constructor(keep: (at: number, minutes: readonly Minute[]) => void) {
    this.#keep = keep;
  }

  /** Minutes never go back: what comes late counts for the one that goes on. */
  put(at: number, source: string, row: readonly number[]): void {
    this.turn(at);
    let gathering = this.#gathered.get(source);
    if (gathering === undefined) {
      gathering = new Gathering(source === CLUSTER ? CLUSTER_FIELDS : WORKER_FIELDS);
      this.#gathered.set(source, gathering);
    }
    gathering.add(row);
  }

  /** Closes the minute if it is over by now. */
  turn(now: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    if (minute <= this.#minute) return;
    this.flush();
    this.#minute = minute;
  }

  /** Hands over what there is of the minute that goes on. */
  flush(): void {
    if (this.#gathered.size === 0) return;
    const minutes = [...this.#gathered].map(([source, gathering]) => gathering.take(source));
    this.#gathered = new Map();
    this.#keep(this.#minute * MINUTE_MS, minutes);
  }

  /** The minute that goes on, as far as it was not handed over. */
  current(source: string): { readonly at: number; readonly minute: Minute } | null {
    const minute = this.#gathered.get(source)?.take(source);
    return minute === undefined ? null : { at: this.#minute * MINUTE_MS, minute };
  }
}
