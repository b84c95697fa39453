/** The newest measurements of every worker, as its heartbeats bring them. Nothing of it is stored. */
import type { UsageBook, WorkerUsage } from '../context.ts';

type UsageListener = (workerId: string, usage: WorkerUsage) => void;

export class MemoryUsageBook implements UsageBook {
  readonly #usage = new Map<string, WorkerUsage>();
  readonly #listeners = new Set<UsageListener>();

  worker(id: string): WorkerUsage | null {
    return this.#usage.get(id) ?? null;
  }

  onUsage(listener: UsageListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  put(workerId: string, usage: WorkerUsage): void {
    this.#usage.set(workerId, usage);
    for (const listener of this.#listeners) listener(workerId, usage);
  }

  /** The worker is unregistered or lost: old figures would look like news. */
  forget(workerId: string): void {
    this.#usage.delete(workerId);
  }
}
