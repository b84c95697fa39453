export { NO_ARCHIVE, type TelemetryArchive } from './archive.ts';
export type { AttemptTotals } from './attempt-series.ts';
export { clusterNow } from './cluster-now.ts';
export { copyTelemetry, TELEMETRY_FILE } from './copy.ts';
export { WORKER_FIELDS } from './fields.ts';
export { type Range, type RangeInput, readRange } from './range.ts';
export { TelemetrySampler } from './sampler.ts';
export { type Answer, Telemetry } from './telemetry.ts';
export { ThreadArchive } from './thread-archive.ts';
