/** What one attempt uses: measured now and then while it runs, kept for its result and for heartbeats. */
import type { Logger } from 'pino';
import { type Clock, delay } from './clock.ts';
import type { AttemptKey } from './core/attempt.ts';
import type { PeakUsage } from './core/state.ts';
import type { WorkerObserver } from './observer.ts';
import type { ContainerStats, Runtime } from './runtimes/runtime.ts';
import type { Slots } from './slots.ts';

/** Measuring storage walks the container's files: it may take this share of one thread at most. */
const STORAGE_CHECK_SHARE = 0.05;
const STORAGE_CHECK_MIN_MS = 5_000;

/**
 * Waits between the first measurements, ms; heartbeats go on from there. Once the process has ended its cgroup is gone
 * and nothing can be measured: without these a task that is shorter than a heartbeat would have used nothing.
 */
const FIRST_MEASUREMENTS_MS = [0, 100, 200, 700, 2_000];

/** Over less than this a share of the CPU says nothing: the kernel gives it out by tenths of a second. */
const RATE_MIN_MS = 250;

export interface AttemptSample extends ContainerStats {
  readonly cpuMillis: number;
  readonly storageBytes: number;
}

export interface MeterHost {
  readonly runtime: Pick<Runtime, 'stats' | 'storageBytes'>;
  readonly clock: Clock;
  readonly observer?: WorkerObserver | undefined;
}

export class AttemptMeter {
  readonly #key: AttemptKey;
  readonly #host: MeterHost;
  #peak: PeakUsage = { memoryBytes: null, cpuMillisSeconds: null };
  #sample: AttemptSample | null = null;
  /** Where the present share of the CPU began to be measured. */
  #rateFrom: { readonly cpuMicros: number; readonly at: number } | null = null;
  #cpuMillis = 0;
  #measuring: Promise<void> | null = null;
  #storageBytes = 0;
  #storageDueAt = 0;

  constructor(key: AttemptKey, host: MeterHost) {
    this.#key = key;
    this.#host = host;
  }

  get sample(): AttemptSample | null {
    return this.#sample;
  }

  get peak(): PeakUsage {
    return this.#peak;
  }

  /** One measurement at a time: Docker takes up to a second for each, and answers those of one moment together. */
  measure(containerId: string): Promise<void> {
    this.#measuring ??= this.#measureNow(containerId).finally(() => {
      this.#measuring = null;
    });
    return this.#measuring;
  }

  async #measureNow(containerId: string): Promise<void> {
    const { clock, runtime } = this.#host;
    const stats = await runtime.stats(this.#key, containerId);
    if (stats === null) return;
    this.#updateRate(stats.cpuMicros, clock.now());
    this.#tell(stats);
    this.#sample = { ...stats, cpuMillis: this.#cpuMillis, storageBytes: this.#storageBytes };
    this.#peak = {
      memoryBytes: Math.max(this.#peak.memoryBytes ?? 0, stats.memoryPeakBytes),
      cpuMillisSeconds: Math.floor(stats.cpuMicros / 1000),
    };
  }

  #updateRate(cpuMicros: number, now: number): void {
    const from = this.#rateFrom;
    const elapsedMs = from === null ? 0 : now - from.at;
    if (from !== null && elapsedMs < RATE_MIN_MS) return;
    if (from !== null) this.#cpuMillis = Math.max(0, Math.round((cpuMicros - from.cpuMicros) / elapsedMs));
    this.#rateFrom = { cpuMicros, at: now };
  }

  /** The bytes that were found, or null while it is not due. */
  async measureStorage(containerId: string): Promise<number | null> {
    const { clock, runtime } = this.#host;
    const startedAt = clock.now();
    if (startedAt < this.#storageDueAt) return null;
    this.#storageDueAt = Number.POSITIVE_INFINITY; // Until this one is done.
    const bytes = await runtime.storageBytes(this.#key, containerId);
    const tookMs = clock.now() - startedAt;
    this.#storageDueAt = clock.now() + Math.max(STORAGE_CHECK_MIN_MS, tookMs / STORAGE_CHECK_SHARE);
    this.#storageBytes = bytes;
    return bytes;
  }

  #tell(stats: ContainerStats): void {
    const since = (now: number | null | undefined, before: number | null | undefined) =>
      Math.max(0, (now ?? 0) - (before ?? 0));
    const before = this.#sample;
    this.#host.observer?.onUsed?.({
      cpuMicros: since(stats.cpuMicros, before?.cpuMicros),
      networkRxBytes: since(stats.networkRxBytes, before?.networkRxBytes),
      networkTxBytes: since(stats.networkTxBytes, before?.networkTxBytes),
      diskReadBytes: since(stats.diskReadBytes, before?.diskReadBytes),
      diskWriteBytes: since(stats.diskWriteBytes, before?.diskWriteBytes),
    });
  }
}

export interface SoonHost {
  readonly clock: Clock;
  readonly log: Logger;
  /** First measurements under way at once; one that would have to wait is left out. */
  readonly measurements: Slots;
}

/** The measurements before the first heartbeat; `measure` answers null once nothing runs any more. */
export async function measureSoon(
  { clock, log, measurements }: SoonHost,
  signal: AbortSignal,
  measure: () => Promise<void> | null,
): Promise<void> {
  for (const waitMs of FIRST_MEASUREMENTS_MS) {
    await delay(clock, waitMs, signal);
    if (measurements.isFull) continue;
    const measuring = measurements.run(async () => measure()?.then(() => true) ?? false);
    const goesOn = await measuring.catch((error: unknown) => {
      log.debug({ err: error }, 'could not be measured');
      return true;
    });
    if (!goesOn) return;
  }
}
