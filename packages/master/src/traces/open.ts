/** Traces, where somebody wants them; without that OpenTelemetry is not even loaded. */
import { TaskTracer } from './task-tracer.ts';

export interface OpenTraces {
  readonly tracer: TaskTracer;
  close(): Promise<void>;
}

export interface TraceOptions {
  readonly endpoint: string | null;
  readonly clusterId: string;
  readonly version: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export async function openTraces({
  endpoint,
  clusterId,
  version,
  env = process.env,
}: TraceOptions): Promise<OpenTraces | null> {
  const isAsked = endpoint !== null || env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  if (!isAsked || env.OTEL_SDK_DISABLED === 'true') return null;
  const traces = await import('@cloudai/api/traces');
  const sink = traces.exportTraces({ endpoint, service: 'cloudai-master', version, instance: clusterId, env });
  return { tracer: new TaskTracer(clusterId, sink, traces), close: () => sink.close() };
}
