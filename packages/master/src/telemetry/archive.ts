/** Where measurements are kept beyond the memory of the process. */
import type { StoredSeries } from './attempt-series.ts';
import type { Point } from './buckets.ts';
import type { Fields } from './fields.ts';

/** The cluster as a whole, beside the ids of workers, which are never empty. */
export const CLUSTER = '';

/** One minute of one worker or of the cluster. */
export interface Minute {
  readonly source: string;
  readonly weight: number;
  readonly mean: Float32Array;
  readonly max: Float32Array;
}

export interface TelemetryArchive {
  /** Everything that was measured in the minute that began at `at`. A second call for the same minute adds to it. */
  putMinute(at: number, minutes: readonly Minute[]): void;
  putAttempts(
    rows: readonly { readonly taskId: string; readonly attempt: number; readonly series: StoredSeries }[],
  ): void;
  /** Minutes of [from, to), brought into steps from `from` on. */
  minutes(source: string, fields: Fields, from: number, to: number, stepMs: number): Promise<readonly Point[]>;
  attempt(taskId: string, attempt: number): Promise<StoredSeries | null>;
  remove(taskId: string): Promise<void>;
  sizeBytes(): Promise<number>;
  /** Resolves once everything that was put is kept. */
  close(): Promise<void>;
}

/** Keeps nothing. */
export const NO_ARCHIVE: TelemetryArchive = {
  putMinute: () => {},
  putAttempts: () => {},
  minutes: async () => [],
  attempt: async () => null,
  remove: async () => {},
  sizeBytes: async () => 0,
  close: async () => {},
};
