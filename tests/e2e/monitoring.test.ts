// Prometheus itself, from Debian's package: its tools check what we show and what we ship, and the server scrapes a
// running master and worker and answers with what they did.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { WorkerMetrics } from '../../packages/worker/src/metrics.ts';
import { which } from '../../scripts/docker.mjs';
import { IMAGE, ROOT } from './cluster.ts';
import { freePorts } from './ports.ts';
import { ManagedProcess } from './process.ts';
import { useCluster } from './use-cluster.ts';
import { until } from './wait.ts';

const run = promisify(execFile);
const PROMTOOL = which('promtool');
const PROMETHEUS = which('prometheus');
const DEPLOY = path.join(ROOT, 'deploy');
const TOKEN = 'for-prometheus-alone';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-monitoring-'));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Rejects with what the tool printed. */
async function promtool(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run(PROMTOOL!, args);
  return stdout + stderr;
}

describe.skipIf(PROMTOOL === undefined || PROMETHEUS === undefined)('what we ship', () => {
  test('the alert rules are rules, and fire when they should', async () => {
    expect(await promtool('check', 'rules', path.join(DEPLOY, 'prometheus/alerts.yml'))).toContain('SUCCESS');
    expect(await promtool('test', 'rules', path.join(DEPLOY, 'prometheus/alerts.test.yml'))).toContain('SUCCESS');
  });

  test('what a worker shows is named as it should be', async () => {
    const metrics = new WorkerMetrics({
      version: '1.0.0',
      isConnected: () => true,
      isHealthy: () => true,
      usage: () => null,
      phases: () => ['running'],
    });
    const file = path.join(folder, 'worker.txt');
    fs.writeFileSync(file, await metrics.text());
    await run('/bin/sh', ['-c', `"${PROMTOOL}" check metrics < "${file}"`]);
  });

  test('the scrape configuration is one', async () => {
    const text = fs.readFileSync(path.join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8');
    fs.copyFileSync(path.join(DEPLOY, 'prometheus/alerts.yml'), path.join(folder, 'alerts.yml'));
    fs.writeFileSync(path.join(folder, 'token'), TOKEN);
    fs.mkdirSync(path.join(folder, 'cloudai-workers'), { recursive: true });
    const here = text
      .replaceAll('/etc/prometheus/cloudai-metrics-token', path.join(folder, 'token'))
      .replaceAll('/etc/prometheus/cloudai-workers', path.join(folder, 'cloudai-workers'));
    fs.writeFileSync(path.join(folder, 'shipped.yml'), here);
    expect(await promtool('check', 'config', path.join(folder, 'shipped.yml'))).toContain('SUCCESS');
  });

  test('every query of the dashboards is PromQL', async () => {
    const boards = fs.readdirSync(path.join(DEPLOY, 'grafana/dashboards'));
    const expressions = boards.flatMap((name) => {
      const { panels } = JSON.parse(fs.readFileSync(path.join(DEPLOY, 'grafana/dashboards', name), 'utf8')) as {
        panels: { targets: { expr: string }[] }[];
      };
      return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    });
    const rules = expressions.map((expr, index) => ({
      record: `board:query:${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(job|worker)/g, '.*'),
    }));
    fs.writeFileSync(path.join(folder, 'boards.yml'), stringify({ groups: [{ name: 'boards', rules }] }));
    expect(await promtool('check', 'rules', path.join(folder, 'boards.yml'))).toContain(`${rules.length} rules found`);
  });
});

describe.skipIf(PROMETHEUS === undefined)('a Prometheus server', () => {
  const cluster = useCluster({ workers: [{ cpu: 2 }], config: { metrics: { token: TOKEN } } });
  let prometheus: ManagedProcess | null = null;
  afterAll(() => prometheus?.stop());

  test('reads the master and answers with what it did', { timeout: 180_000 }, async () => {
    const metrics = await fetch(`${cluster.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
    const text = await metrics.text();
    fs.writeFileSync(path.join(folder, 'metrics.txt'), text);
    await run('/bin/sh', ['-c', `"${PROMTOOL}" check metrics < "${path.join(folder, 'metrics.txt')}"`]);

    const [port = 0] = await freePorts(1);
    const config = parse(fs.readFileSync(path.join(folder, 'shipped.yml'), 'utf8')) as {
      global: Record<string, string>;
      scrape_configs: { job_name: string; static_configs?: { targets: string[] }[] }[];
    };
    config.global = { scrape_interval: '1s', evaluation_interval: '1s' };
    for (const scrape of config.scrape_configs)
      if (scrape.job_name === 'cloudai-master') scrape.static_configs = [{ targets: [new URL(cluster.url).host] }];
    fs.writeFileSync(path.join(folder, 'prometheus.yml'), stringify(config));
    prometheus = new ManagedProcess({
      name: 'prometheus',
      command: PROMETHEUS!,
      args: [
        `--config.file=${path.join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      env: process.env,
      logFile: path.join(folder, 'prometheus.log'),
    });
    const ask = async (query: string): Promise<number | undefined> => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`);
      const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
      const [first] = data.result;
      return first === undefined ? undefined : Number(first.value[1]);
    };
    await until(async () => (await ask('up{job="cloudai-master"}')) === 1, { what: 'the first scrape' });
    const { id } = await cluster.client.submitTask({ image: IMAGE, command: 'true', resources: { cpu: 0.5 } });
    await cluster.client.waitForTask(id);
    await until(async () => (await ask('sum(cloudai_tasks_ended_total{state="completed",reason="exit_zero"})')) === 1, {
      what: 'the end of the task',
    });
    expect(await ask('sum(cloudai_workers{state="active"})')).toBe(1);
    expect(await ask('sum(cloudai_capacity_cpu_cores)')).toBe(2);
    expect(await ask('count(ALERTS{alertstate="firing"}) or vector(0)')).toBe(0);
  });
});
