/** The worker's part of the traces of tasks: what it did for an attempt, below the span that the master gave it. */
import type { TraceSink } from '@cloudai/api/traces';
import type { Phase, WorkerObserver } from './observer.ts';

export interface WorkerTraceOptions {
  /** Null: what the `OTEL_EXPORTER_OTLP_*` variables say. */
  readonly endpoint: string | null;
  readonly workerId: string;
  readonly version: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface WorkerTraces extends WorkerObserver {
  close(): Promise<void>;
}

/** Null where nobody wants traces; then OpenTelemetry is not even loaded. */
export async function openWorkerTraces({
  endpoint,
  workerId,
  version,
  env = process.env,
}: WorkerTraceOptions): Promise<WorkerTraces | null> {
  const isAsked = endpoint !== null || env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  if (!isAsked || env.OTEL_SDK_DISABLED === 'true') return null;
  const traces = await import('@cloudai/api/traces');
  const sink = traces.exportTraces({ endpoint, service: 'cloudai-worker', version, instance: workerId, env });
  return { onPhase: (phase) => addPhase(sink, traces, workerId, phase), close: () => sink.close() };
}

/** The master decided whether the task is traced: then its assignment came with a context. */
function addPhase(
  sink: TraceSink,
  { parseTraceparent, randomSpanId }: typeof import('@cloudai/api/traces'),
  workerId: string,
  { name, key, traceparent, startedAt, endedAt, error }: Phase,
): void {
  const parent = parseTraceparent(traceparent);
  if (parent === null) return;
  sink.add({
    traceId: parent.traceId,
    spanId: randomSpanId(),
    parentId: parent.spanId,
    name,
    startedAt,
    endedAt,
    attributes: { 'cloudai.task.id': key.taskId, 'cloudai.attempt': key.attempt, 'cloudai.worker.id': workerId },
    error,
  });
}
