/**
 * Traces of a task's way, the same on both sides of the wire: how spans are named and numbered, the W3C context that an
 * assignment carries, and their way out as OTLP. This door loads OpenTelemetry, so it is opened only where traces are
 * wanted (`import('@cloudai/api/traces')`).
 */
export { type ExportOptions, exportTraces } from './export.ts';
export {
  attemptSpanId,
  formatTraceparent,
  parseTraceparent,
  randomSpanId,
  type TraceContext,
  taskSpanId,
  taskTraceId,
} from './ids.ts';
export type { Span, TraceSink } from './span.ts';
