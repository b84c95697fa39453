/** Spans as OTLP over HTTP (protobuf), in batches, beside the work. */
import { type HrTime, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-node';
import type { Span, TraceSink } from './span.ts';

export interface ExportOptions {
  /** `http://host:4318`, or with the whole path. Null: what the `OTEL_EXPORTER_OTLP_*` variables say. */
  readonly endpoint: string | null;
  readonly service: string;
  readonly version: string;
  /** What tells processes of one service apart. */
  readonly instance: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** For tests: how long spans gather. */
  readonly delayMs?: number;
}

const PATH = '/v1/traces';
const DELAY_MS = 2_000;
/** Spans that wait; beyond it the newest are dropped. */
const MOST_WAITING = 16_384;
const BATCH = 512;
const TIMEOUT_MS = 10_000;
/** What waits is sent at the end, but a process that was told to stop does not wait for a receiver that is away. */
const CLOSE_MS = 2_000;

export function exportTraces({
  endpoint,
  service,
  version,
  instance,
  env = process.env,
  delayMs,
}: ExportOptions): TraceSink {
  const exporter = new OTLPTraceExporter({
    ...(endpoint === null ? {} : { url: urlOf(endpoint) }),
    timeoutMillis: TIMEOUT_MS,
  });
  const processor = new BatchSpanProcessor(exporter, {
    maxQueueSize: MOST_WAITING,
    maxExportBatchSize: BATCH,
    scheduledDelayMillis: delayMs ?? DELAY_MS,
    exportTimeoutMillis: TIMEOUT_MS,
  });
  const resource = resourceFromAttributes({
    'service.name': env.OTEL_SERVICE_NAME ?? service,
    'service.version': version,
    'service.instance.id': instance,
  });
  const share = shareOf(env);
  return {
    wants: (traceId) => share >= 1 || Number.parseInt(traceId.slice(0, 8), 16) / 2 ** 32 < share,
    add: (span) => processor.onEnd(readable(span, resource)),
    close: () => shutDown(processor),
  };
}

async function shutDown(processor: BatchSpanProcessor): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_MS);
  });
  await Promise.race([processor.shutdown().catch(() => {}), patience]); // Nobody takes them: the work is done all the same.
  clearTimeout(timer);
}

function urlOf(endpoint: string): string {
  const base = endpoint.replace(/\/+$/, '');
  return base.endsWith(PATH) ? base : base + PATH;
}

/** As the variables of OpenTelemetry say: all traces, none, or a share of them. */
function shareOf(env: Readonly<Record<string, string | undefined>>): number {
  const sampler = env.OTEL_TRACES_SAMPLER?.replace(/^parentbased_/, '');
  if (sampler === 'always_off') return 0;
  if (sampler !== 'traceidratio') return 1;
  const share = Number(env.OTEL_TRACES_SAMPLER_ARG ?? 1);
  return Number.isFinite(share) ? share : 1;
}

function readable(span: Span, resource: ReadableSpan['resource']): ReadableSpan {
  const { traceId, spanId, parentId, name, startedAt, endedAt, attributes, error } = span;
  const end = Math.max(startedAt, endedAt);
  return {
    name,
    kind: SpanKind.INTERNAL,
    spanContext: () => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED }),
    ...(parentId === null
      ? {}
      : { parentSpanContext: { traceId, spanId: parentId, traceFlags: TraceFlags.SAMPLED, isRemote: false } }),
    startTime: hrTime(startedAt),
    endTime: hrTime(end),
    duration: hrTime(end - startedAt),
    status: error === null ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes: { ...attributes },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: 'cloudai' },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
