// docs/reference/metrics.md, from the registries that master and worker use. After a change:
//   node scripts/metrics-reference.ts > docs/reference/metrics.md
import type { MasterContext } from '../packages/master/src/context.ts';
import { MasterMetrics } from '../packages/master/src/metrics/metrics.ts';
import { WorkerMetrics } from '../packages/worker/src/metrics.ts';

export interface MetricInfo {
  readonly name: string;
  readonly type: string;
  readonly labels: readonly string[];
  readonly help: string;
}

/** Those of ours; beside them come `process_*` and `nodejs_*`, as every Node program shows them. */
export function masterMetrics(): readonly MetricInfo[] {
  const metrics = new MasterMetrics();
  // Names are made at once, and values only when they are asked for: this master need not exist.
  const nobody = { version: '', startedAt: 0 } as MasterContext;
  metrics.observe(nobody, {
    sessions: () => 0,
    watches: () => 0,
    streams: () => 0,
    logBytes: () => ({ received: 0, read: 0 }),
    telemetryBytes: async () => 0,
    recoverySeconds: 0,
  });
  return infosOf(metrics.registry.getMetricsAsArray());
}

export function workerMetrics(): readonly MetricInfo[] {
  const metrics = new WorkerMetrics({
    version: '',
    isConnected: () => true,
    isHealthy: () => true,
    usage: () => null,
    phases: () => [],
  });
  return infosOf(metrics.registry.getMetricsAsArray());
}

export function metricsMarkdown(): string {
  return `${[
    '# Metrics',
    'What `GET /metrics` shows, for Prometheus. [Monitor a cluster](../guides/monitor.md) says how to read them. Made from the code by `node scripts/metrics-reference.ts`.',
    'No label names a task, an owner or an image, and every label has few values: states and reasons of the engine, operations of the API, policies (`external` for whoever else plans), and worker ids as long as there are at most 1,000 of them. Of a histogram there are `_bucket`, `_sum` and `_count`. Counters begin anew when the process does.',
    '## Master',
    table(masterMetrics()),
    '## Worker',
    table(workerMetrics()),
    'Both show `process_*` (CPU, memory, open files) and `nodejs_*` (event loop, garbage collection, heap) besides.',
  ].join('\n\n')}\n`;
}

function table(metrics: readonly MetricInfo[]): string {
  const rows = metrics.map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return ['| Name | Type | Labels | |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function infosOf(metrics: readonly object[]): MetricInfo[] {
  return (metrics as readonly { name: string; type: string; help: string; labelNames?: readonly string[] }[])
    .filter(({ name }) => name.startsWith('cloudai_'))
    .map(({ name, type, help, labelNames = [] }) => ({ name, type, labels: labelNames, help }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

if (import.meta.main) process.stdout.write(metricsMarkdown());
