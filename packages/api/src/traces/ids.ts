/**
 * Ids of traces and spans follow from the ids of tasks: nobody has to remember them, a master that was restarted goes on
 * with the trace where it was, and whoever knows a task can find its trace.
 */
import { createHash, randomBytes } from 'node:crypto';

/** Where a span of another process belongs. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
}

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const SAMPLED = 1;

export function taskTraceId(clusterId: string, taskId: string): string {
  return digest(`${clusterId}/${taskId}`, 16);
}

/** The root of a task's trace. */
export function taskSpanId(taskId: string): string {
  return digest(taskId, 8);
}

export function attemptSpanId(taskId: string, attempt: number): string {
  return digest(`${taskId}/${attempt}`, 8);
}

export function randomSpanId(): string {
  return randomBytes(8).toString('hex');
}

/** As in the W3C recommendation, version 00. */
export function formatTraceparent({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`;
}

/** Null where nobody traces, and for what is no trace context. */
export function parseTraceparent(text: string | null): TraceContext | null {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return (Number.parseInt(flags!, 16) & SAMPLED) === SAMPLED ? { traceId, spanId } : null;
}

function digest(text: string, bytes: number): string {
  return createHash('sha256')
    .update(text)
    .digest('hex')
    .slice(0, 2 * bytes);
}
