/** A counter that costs an addition where something happens; the registry hears of it when somebody asks. */
import { Counter, type Registry } from '@prometheus-io/client';

const SEPARATOR = '\n';

export class Tally {
  readonly #counts = new Map<string, number>();

  constructor(registry: Registry, name: string, help: string, labelNames: readonly string[] = []) {
    const counts = this.#counts;
    const told = new Map<string, number>();
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect() {
        for (const [key, count] of counts) {
          const grown = count - (told.get(key) ?? 0);
          if (grown === 0) continue;
          told.set(key, count);
          const values = key.split(SEPARATOR);
          this.inc(Object.fromEntries(labelNames.map((label, index) => [label, values[index] ?? ''])), grown);
        }
      },
    });
  }

  /** `values`: of the labels, in their order. */
  inc(...values: readonly string[]): void {
    const key = values.length === 1 ? values[0]! : values.join(SEPARATOR);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }
}
