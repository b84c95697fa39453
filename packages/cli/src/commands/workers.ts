import type { WorkerView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { printList } from '../lists.ts';
import { listOf } from '../option-values.ts';
import { ago, bytes, fromMillis } from '../output/format.ts';
import type { Colors } from '../output/output.ts';
import { printable } from '../output/printable.ts';
import type { Column } from '../output/table.ts';
import { printLongList } from '../worker-text.ts';

interface Options {
  readonly state?: readonly string[];
  readonly long?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .option('-s, --state <states>', 'registered, active, suspect, lost, revoked', listOf)
    .option('-l, --long', 'every resource in total, allocated and available')
    .action((options: Options) => workers(cli, options));
  addExamples(
    command,
    { what: 'one line each', line: 'cloudai workers' },
    { what: 'total, allocated and available of every resource', line: 'cloudai workers --long' },
  );
}

async function workers(cli: Cli, { state, long }: Options): Promise<void> {
  const client = await cli.client();
  const items: WorkerView[] = [];
  for await (const worker of client.listWorkers(state === undefined ? {} : { state: state.join(',') }))
    items.push(worker);
  client.close();
  if (long === true && !cli.json && !cli.quiet) return printLongList(cli.out, items);
  printList(
    cli,
    items,
    null,
    ({ id }) => id,
    columns(cli.out.colors, Date.now()),
    'No workers. Admit one with `cloudai register ID`.',
  );
}

function columns(colors: Colors, now: number): Column<WorkerView>[] {
  const share =
    (of: (view: NonNullable<WorkerView['total']>) => number, show: (value: number) => string) => (worker: WorkerView) =>
      worker.total === null ? '-' : `${show(of(worker.allocated))} / ${show(of(worker.total))}`;
  return [
    { title: 'ID', value: ({ id }) => id },
    { title: 'STATE', value: stateText, paint: (cell, worker) => paintState(colors, worker)(cell) },
    {
      title: 'ADDRESS',
      value: ({ address, remoteAddress }) => printable(address ?? remoteAddress ?? '-'),
      shrinks: true,
    },
    { title: 'TASKS', value: ({ runningTasks }) => String(runningTasks.length), align: 'right' },
    { title: 'CPU', value: share((view) => view.cpuMillis, fromMillis) },
    { title: 'MEMORY', value: share((view) => view.memoryBytes, bytes) },
    { title: 'STORAGE', drops: 3, value: share((view) => view.storageBytes, bytes) },
    { title: 'GPU', drops: 2, value: share((view) => view.gpuMillis, fromMillis) },
    { title: 'LAST SEEN', drops: 1, value: ({ lastSeenAt }) => ago(lastSeenAt, now) },
    { title: 'LABELS', drops: 4, value: labels, shrinks: true },
  ];
}

function labels(worker: WorkerView): string {
  const pairs = Object.entries(worker.labels).map(([key, value]) => `${key}=${value}`);
  return printable(pairs.join(',')) || '-';
}

function stateText({ state, drain, unhealthy }: WorkerView): string {
  const notes = [...(drain === null ? [] : ['draining']), ...(unhealthy === null ? [] : ['unhealthy'])];
  return notes.length === 0 ? state : `${state} (${notes.join(', ')})`;
}

function paintState(colors: Colors, { state, drain, unhealthy }: WorkerView): (text: string) => string {
  if (state === 'active') return drain === null && unhealthy === null ? colors.green : colors.yellow;
  return state === 'lost' || state === 'revoked' ? colors.red : colors.yellow;
}
