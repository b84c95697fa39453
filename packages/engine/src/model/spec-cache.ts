/**
 * One object for equal specs. Sweeps and services submit the same spec thousands of times, each time as a new object;
 * a waiting task costs half as much when it shares its spec. Bounded: what was not seen for a while is kept apart,
 * which costs memory and nothing else, as specs are never compared by identity.
 */
import type { TaskSpec } from './task.ts';

const DEFAULT_SIZE = 1_024;

export class SpecCache {
  readonly #known = new Map<string, TaskSpec>();
  readonly #size: number;
  #last: TaskSpec | null = null;

  constructor(size = DEFAULT_SIZE) {
    this.#size = size;
  }

  share(spec: TaskSpec): TaskSpec {
    // One call often names one object many times.
    if (spec === this.#last) return spec;
    const key = JSON.stringify(spec);
    let known = this.#known.get(key);
    if (known === undefined) {
      known = spec;
      if (this.#known.size >= this.#size) this.#known.delete(this.#known.keys().next().value!);
      this.#known.set(key, spec);
    }
    this.#last = known;
    return known;
  }
}
