/**
 * Everything that looks on and changes nothing: measurements over time, metrics, traces. The process tells it what passes
 * by; none of it can stop the master.
 */
import path from 'node:path';
import type { Change } from '@cloudai/engine';
import type { Store } from '@cloudai/store';
import type { MasterContext, UsageBook } from './context.ts';
import type { BatchFigures, MasterLoop } from './loop.ts';
import { MasterMetrics, type MetricsSources } from './metrics/metrics.ts';
import type { MasterOptions } from './options.ts';
import {
  NO_ARCHIVE,
  TELEMETRY_FILE,
  Telemetry,
  type TelemetryArchive,
  TelemetrySampler,
  ThreadArchive,
} from './telemetry/index.ts';
import { type OpenTraces, openTraces } from './traces/open.ts';

export interface ObservationOptions {
  readonly options: Pick<MasterOptions, 'dataDir' | 'telemetry' | 'tracesEndpoint' | 'version'>;
  readonly clusterId: string;
  readonly store: Pick<Store, 'health' | 'tasks'>;
  /** To read the store and take the lead. */
  readonly recoverySeconds: number;
  now(): number;
  onError(message: string, error?: unknown): void;
}

const KEEP_MS = 30 * 86_400_000;
const MAX_BYTES = 2 * 2 ** 30;

export class Observation {
  readonly metrics = new MasterMetrics();
  readonly #options: ObservationOptions;
  readonly #traces: OpenTraces | null;
  readonly #archive: TelemetryArchive;
  #telemetry: Telemetry | null = null;
  #usage: UsageBook | null = null;
  #sampler: TelemetrySampler | null = null;

  static async open(options: ObservationOptions): Promise<Observation> {
    const { tracesEndpoint: endpoint = null, version } = options.options;
    return new Observation(options, await openTraces({ endpoint, clusterId: options.clusterId, version }));
  }

  private constructor(options: ObservationOptions, traces: OpenTraces | null) {
    this.#options = options;
    this.#traces = traces;
    this.#archive = archiveOf(options);
  }

  /** There once the loop is. */
  attach(loop: MasterLoop, usage: UsageBook): Telemetry {
    const telemetry = new Telemetry({ loop, archive: this.#archive, now: this.#options.now });
    this.#telemetry = telemetry;
    this.#usage = usage;
    usage.onUsage((workerId, measured) => {
      telemetry.onUsage(workerId, measured);
      this.metrics.onHeartbeat();
    });
    return telemetry;
  }

  onBatch(figures: BatchFigures): void {
    this.metrics.onBatch(figures);
    this.#traces?.tracer.onBatch(figures);
  }

  onCommitted(changes: readonly Change[]): void {
    this.#telemetry?.onCommitted(changes);
    this.metrics.onCommitted(changes);
  }

  /** W3C trace context of an attempt; empty when it is not traced. */
  traceparent({ taskId, attempt }: { readonly taskId: string; readonly attempt: number }): string {
    return this.#traces?.tracer.traceparent(taskId, attempt) ?? '';
  }

  /** The master is whole. */
  start(context: MasterContext, sources: Omit<MetricsSources, 'telemetryBytes' | 'recoverySeconds'>): void {
    const { telemetry, store, usage } = context;
    const { now, onError, recoverySeconds } = this.#options;
    this.metrics.observe(context, { ...sources, recoverySeconds, telemetryBytes: () => this.#archive.sizeBytes() });
    this.#sampler = new TelemetrySampler({
      telemetry,
      store,
      usage,
      now,
      onError: (error) => onError('no sample of the cluster could be taken', error),
    });
    this.#sampler.start();
  }

  async stop(): Promise<void> {
    await this.#sampler?.stop();
    this.#telemetry?.flush((workerId) => this.#usage?.worker(workerId) ?? null);
    await this.#archive.close();
    await this.#traces?.close();
  }
}

function archiveOf({ options, store, onError }: ObservationOptions): TelemetryArchive {
  if (options.telemetry === null) return NO_ARCHIVE;
  const { keepMs = KEEP_MS, maxBytes = MAX_BYTES } = options.telemetry ?? {};
  return new ThreadArchive({
    path: path.join(options.dataDir, TELEMETRY_FILE),
    keepMs,
    maxBytes,
    mayWrite: () => store.health().state !== 'full',
    onError,
  });
}
