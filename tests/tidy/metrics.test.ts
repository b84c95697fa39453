// The reference page, the alert rules and the dashboards speak of metrics that exist, by labels that they have.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type MetricInfo, masterMetrics, metricsMarkdown, workerMetrics } from '../../scripts/metrics-reference.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DASHBOARDS = path.join(ROOT, 'deploy/grafana/dashboards');
const BOTH = [...masterMetrics(), ...workerMetrics()];
/** Of the scrape itself. */
const COMMON_LABELS = ['job', 'instance', 'le'];
/** What every Node program and every scrape shows. */
const FOREIGN = /^(?:process_cpu_seconds_total|process_resident_memory_bytes|up)$/;

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly definition?: string }[] };
}

async function dashboards(): Promise<[name: string, board: Dashboard][]> {
  const names = (await readdir(DASHBOARDS)).sort();
  return Promise.all(
    names.map(async (name) => [name, JSON.parse(await readFile(path.join(DASHBOARDS, name), 'utf8')) as Dashboard]),
  );
}

/** What is wrong with an expression; empty when every metric and label of it exists. */
function problemsOf(expression: string): string[] {
  const bare = expression.replaceAll(/"[^"]*"/g, '""').replaceAll(/\[[^\]]*\]/g, '');
  const problems: string[] = [];
  const used: MetricInfo[] = [];
  for (const [, name = '', selector = ''] of bare.matchAll(/\b((?:cloudai|process|nodejs)_\w+|up)\b(\{[^}]*\})?/g)) {
    if (FOREIGN.test(name)) continue;
    const metric = metricOf(name);
    if (metric === null) {
      problems.push(`there is no ${name}`);
      continue;
    }
    used.push(metric);
    for (const [, label = ''] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
      if (![...metric.labels, ...COMMON_LABELS].includes(label)) problems.push(`${name} has no label ${label}`);
  }
  const labels = used.flatMap((metric) => metric.labels);
  for (const [, list = ''] of bare.matchAll(/\b(?:by|without|on)\s*\(([^)]*)\)/g))
    for (const label of list.split(',').map((word) => word.trim()))
      if (label !== '' && ![...labels, ...COMMON_LABELS].includes(label)) problems.push(`nothing has a label ${label}`);
  if (problems.length + used.length === 0 && !/\b(?:up|process_\w+)\b/.test(bare)) problems.push('it asks for nothing');
  return problems;
}

/** The metric of a series: parts of histograms are asked for by their own names, and only those. */
function metricOf(name: string): MetricInfo | null {
  const own = BOTH.find((metric) => metric.name === name);
  if (own !== undefined) return own.type === 'histogram' ? null : own;
  const base = name.replace(/_(?:bucket|sum|count)$/, '');
  return BOTH.find((metric) => metric.name === base && metric.type === 'histogram') ?? null;
}

test('the reference page lists the metrics as they are', async () => {
  const page = await readFile(path.join(ROOT, 'docs/reference/metrics.md'), 'utf8');
  expect(page, 'node scripts/metrics-reference.ts > docs/reference/metrics.md').toBe(metricsMarkdown());
});

test('every metric has a name of its own, a help text, and labels that are bounded', () => {
  expect(new Set(BOTH.map(({ name }) => name)).size).toBe(BOTH.length);
  for (const { name, help, labels } of BOTH) {
    expect(help, name).toMatch(/^[A-Z1].*\.$/);
    for (const label of labels)
      expect(['class', 'operation', 'phase', 'policy', 'reason', 'state', 'version', 'worker'], name).toContain(label);
  }
});

test('the check finds what does not exist', () => {
  expect(problemsOf('sum(rate(cloudai_nothing_total[5m]))')).toEqual(['there is no cloudai_nothing_total']);
  expect(problemsOf('cloudai_commit_seconds')).toHaveLength(1);
  expect(problemsOf('cloudai_queue_depth{task="x"}')).toEqual(['cloudai_queue_depth has no label task']);
  expect(problemsOf('sum by (owner) (cloudai_tasks)')).toEqual(['nothing has a label owner']);
  expect(problemsOf('histogram_quantile(0.9, sum by (le) (rate(cloudai_commit_seconds_bucket[5m])))')).toEqual([]);
});

test('every alert asks for what there is', async () => {
  const { groups } = parse(await readFile(path.join(ROOT, 'deploy/prometheus/alerts.yml'), 'utf8')) as {
    groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  expect(rules.length).toBeGreaterThan(10);
  for (const { alert, expr, annotations } of rules) {
    expect(problemsOf(expr), alert).toEqual([]);
    expect(Object.keys(annotations).sort(), alert).toEqual(['description', 'summary']);
  }
});

describe('dashboards', () => {
  test('there is one for the cluster, its resources, tasks and workers', async () => {
    expect((await dashboards()).map(([name]) => name)).toEqual([
      'cloudai-cluster.json',
      'cloudai-resources.json',
      'cloudai-tasks.json',
      'cloudai-workers.json',
    ]);
  });

  test('every panel asks for what there is, and none lies on another', async () => {
    for (const [name, { uid, panels, templating }] of await dashboards()) {
      expect(`${uid}.json`).toBe(name);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      const taken = new Set<string>();
      for (const { title, targets, gridPos } of panels) {
        expect(targets.length, title).toBeGreaterThan(0);
        for (const { expr } of targets) expect(problemsOf(expr), `${name}: ${title}: ${expr}`).toEqual([]);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(taken.has(`${x}/${y}`), `${name}: ${title}`).toBe(false);
            taken.add(`${x}/${y}`);
          }
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      }
      for (const { definition } of templating.list)
        if (definition !== undefined) {
          const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? [];
          expect([...(metricOf(metric)?.labels ?? []), ...COMMON_LABELS], definition).toContain(label);
        }
    }
  });

  test('every metric of ours is on a dashboard or in an alert, or says why not', async () => {
    const files = await Promise.all([
      readFile(path.join(ROOT, 'deploy/prometheus/alerts.yml'), 'utf8'),
      ...(await dashboards()).map(([name]) => readFile(path.join(DASHBOARDS, name), 'utf8')),
    ]);
    const text = files.join('\n');
    /** Looked up when something else has drawn attention, or of a single worker. */
    const beside = new Set([
      'cloudai_build_info',
      'cloudai_master_start_time_seconds',
      'cloudai_master_recovery_seconds',
      'cloudai_worker_build_info',
      'cloudai_worker_connected',
      'cloudai_worker_up',
      'cloudai_worker_attempt_memory_peak_bytes',
      'cloudai_worker_attempt_run_seconds',
      'cloudai_worker_attempts_ended_total',
      'cloudai_worker_attempts_here',
      'cloudai_worker_attempts_started_total',
      'cloudai_worker_heartbeats_sent_total',
      'cloudai_worker_last_heartbeat_timestamp_seconds',
      'cloudai_worker_machine_cpu_usage_ratio',
      'cloudai_worker_machine_gpu_usage_ratio',
      'cloudai_worker_machine_memory_used_bytes',
      'cloudai_worker_machine_storage_used_bytes',
    ]);
    const unused = BOTH.map(({ name }) => name).filter((name) => !beside.has(name) && !text.includes(name));
    expect(unused).toEqual([]);
  });
});
