/** Takes a sample of the cluster every few seconds. */
import type { Store } from '@cloudai/store';
import type { UsageBook } from '../context.ts';
import { SLOT_MS } from './sample-ring.ts';
import type { Telemetry } from './telemetry.ts';

export interface SamplerOptions {
  readonly telemetry: Telemetry;
  readonly store: Pick<Store, 'tasks'>;
  readonly usage: UsageBook;
  now(): number;
  onError(error: unknown): void;
}

export class TelemetrySampler {
  readonly #options: SamplerOptions;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.sample(), SLOT_MS).unref();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#running;
  }

  /** Skipped while the one before goes on. Never rejects. */
  async sample(): Promise<void> {
    this.#running ??= this.#take()
      .catch((error: unknown) => this.#options.onError(error))
      .finally(() => {
        this.#running = null;
      });
    await this.#running;
  }

  async #take(): Promise<void> {
    const { telemetry, store, usage, now } = this.#options;
    const { items } = await store.tasks({ namespaces: 'all', states: ['queued'] }, 'oldest', 1, null);
    const since = items[0]?.queuedAt ?? null;
    telemetry.sample(since === null ? 0 : Math.max(0, now() - since), (id) => usage.worker(id));
  }
}
