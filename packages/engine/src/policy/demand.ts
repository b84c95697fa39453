import type { TaskSpec } from '../model/task.ts';
import { gpuModelsOf } from '../model/terms.ts';
import type { TypicalRequest } from './policy.ts';

/**
 * What the tasks that the engine remembers ask for: those that wait, those that run and those that ended of late. That
 * is what a cluster can know of its demand; the policies of the papers know the whole trace in advance.
 */
export class Demand {
  /** By spec, which equal tasks share. */
  readonly #counts = new Map<TaskSpec, number>();

  add(spec: TaskSpec): void {
    this.#counts.set(spec, (this.#counts.get(spec) ?? 0) + 1);
  }

  remove(spec: TaskSpec): void {
    const count = this.#counts.get(spec) ?? 0;
    if (count <= 1) this.#counts.delete(spec);
    else this.#counts.set(spec, count - 1);
  }

  /** In an order that depends on nothing but what is asked for. */
  typical(): TypicalRequest[] {
    const merged = new Map<string, { -readonly [K in keyof TypicalRequest]: TypicalRequest[K] }>();
    for (const [spec, count] of this.#counts) {
      const { request } = spec;
      const gpuModels = gpuModelsOf(spec);
      const key = `${request.cpuMillis}/${request.memoryBytes}/${request.gpuMillis}/${gpuModels.join('|')}`;
      const known = merged.get(key);
      if (known === undefined) merged.set(key, { request, gpuModels, count });
      else known.count += count;
    }
    return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, kind]) => kind);
  }
}
