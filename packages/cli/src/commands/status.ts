import type { ClusterView, ResourcesView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { showLive } from '../live.ts';
import { bytes, duration, fromMillis, percent } from '../output/format.ts';
import { printable } from '../output/printable.ts';
import { type Column, renderTable } from '../output/table.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .option('-w, --watch', 'draw anew every two seconds until a key is pressed; the prompt does so by itself')
    .option('--once', 'print once, also at the prompt')
    .action((options: { watch?: boolean; once?: boolean }) => status(cli, options));
  addExamples(
    command,
    { what: 'workers, tasks, queue and resources', line: 'cloudai status' },
    { what: 'live', line: 'cloudai status --watch' },
  );
}

async function status(cli: Cli, options: { watch?: boolean; once?: boolean }): Promise<void> {
  const client = await cli.client();
  const live =
    (options.watch === true || cli.isPrompt) && options.once !== true && cli.out.isTerminal && !cli.json && !cli.quiet;
  if (live) {
    await showLive(cli, async (signal) => lines(cli, await client.getCluster({ signal })));
  } else {
    const cluster = await client.getCluster({ signal: cli.signal });
    if (cli.json) cli.out.json(cluster);
    else if (cli.quiet) cli.out.print(cluster.clusterId);
    else for (const line of lines(cli, cluster)) cli.out.print(line);
  }
  client.close();
}

function lines(cli: Cli, cluster: ClusterView): string[] {
  const { colors } = cli.out;
  const field = (name: string, value: string) => `${colors.bold(`${name}:`.padEnd(11))} ${printable(value)}`;
  const { queueDepth, oldestWaitMs, store } = cluster;
  return [
    field(
      'Cluster',
      `${cluster.clusterId}, version ${cluster.version}, up ${duration(Date.now() - Date.parse(cluster.startedAt))}`,
    ),
    field('Workers', counts(cluster.workers)),
    field('Tasks', counts(cluster.tasks)),
    field('Queue', queueDepth === 0 ? 'empty' : `${queueDepth} waiting, the oldest for ${duration(oldestWaitMs)}`),
    field('Scheduler', cluster.placement),
    field('Store', [bytes(store.sizeBytes), ...storeTroubles(store)].join(', ')),
    '',
    ...renderTable(COLUMNS, rows(cluster), { width: cli.out.width, paintTitle: colors.bold }),
  ];
}

function storeTroubles({ full, audit }: ClusterView['store']): string[] {
  const troubles = full ? ['DISK FULL: submits are refused'] : [];
  if (audit.state === 'findings') troubles.push(`AUDIT: ${audit.findings} findings, see the log of the master`);
  if (audit.state === 'failed') troubles.push('the audit failed, see the log of the master');
  return troubles;
}

function counts(byState: Readonly<Record<string, number>>): string {
  const parts = Object.entries(byState).filter(([, count]) => count > 0);
  return parts.length === 0 ? 'none' : parts.map(([state, count]) => `${count} ${state}`).join(', ');
}

interface Row {
  readonly name: string;
  readonly of: (view: ResourcesView) => number;
  readonly show: (value: number) => string;
  readonly cluster: ClusterView;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'RESOURCE', value: ({ name }) => name },
  { title: 'TOTAL', value: ({ cluster, of, show }) => show(of(cluster.total)), align: 'right' },
  { title: 'ALLOCATED', value: ({ cluster, of, show }) => show(of(cluster.allocated)), align: 'right' },
  { title: 'AVAILABLE', value: ({ cluster, of, show }) => show(of(cluster.available)), align: 'right' },
  { title: 'SHARE', value: share, align: 'right' },
];

function rows(cluster: ClusterView): Row[] {
  const custom = Object.keys(cluster.total.custom).map((name) => ({
    name: printable(name),
    of: (view: ResourcesView) => view.custom[name] ?? 0,
    show: String,
  }));
  return [
    { name: 'CPU', of: (view: ResourcesView) => view.cpuMillis, show: fromMillis },
    { name: 'Memory', of: (view: ResourcesView) => view.memoryBytes, show: bytes },
    { name: 'Storage', of: (view: ResourcesView) => view.storageBytes, show: bytes },
    { name: 'GPU', of: (view: ResourcesView) => view.gpuMillis, show: fromMillis },
    ...custom,
  ].map((row) => ({ ...row, cluster }));
}

function share({ cluster, of }: Row): string {
  const total = of(cluster.total);
  return total === 0 ? '-' : percent(of(cluster.allocated) / total);
}
