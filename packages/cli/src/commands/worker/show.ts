import type { WorkerView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { addExamples } from '../../examples.ts';
import { printTable } from '../../lists.ts';
import { printFields } from '../../output/fields.ts';
import { ago, bytes, fromMillis, percent, resources, timestamp } from '../../output/format.ts';

export function configure(command: Command, cli: Cli): void {
  command.argument('<id>', 'id of the worker').action((id: string) => show(cli, id));
  addExamples(command, { what: 'its resources, its GPUs and what runs on it', line: 'cloudai worker show worker-1' });
}

async function show(cli: Cli, id: string): Promise<void> {
  const client = await cli.client();
  const worker = await client.getWorker(id, { signal: cli.signal });
  client.close();
  if (cli.json) return cli.out.json(worker);
  if (cli.quiet) return cli.out.print(worker.id);
  printWorker(cli, worker);
}

function printWorker(cli: Cli, worker: WorkerView): void {
  const now = Date.now();
  const labels = Object.entries(worker.labels).map(([key, value]) => `${key}=${value}`);
  const { drain, usage } = worker;
  printFields(cli.out, [
    ['Worker', worker.id],
    ['State', worker.state],
    ['Connected', worker.connected ? 'yes' : 'no'],
    ['Unhealthy', worker.unhealthy],
    [
      'Draining',
      drain === null ? null : `since ${timestamp(drain.since)}${drain.reason === null ? '' : `: ${drain.reason}`}`,
    ],
    ['Address', worker.address],
    ['Connects from', worker.remoteAddress],
    ['Version', worker.version],
    ['Registered', timestamp(worker.registeredAt)],
    ['Last seen', ago(worker.lastSeenAt, now)],
    ['Total', worker.total && `${resources(worker.total)}, ${bytes(worker.total.storageBytes)} storage`],
    ['Allocated', `${resources(worker.allocated)}, ${bytes(worker.allocated.storageBytes)} storage`],
    [
      'Available',
      worker.available && `${resources(worker.available)}, ${bytes(worker.available.storageBytes)} storage`,
    ],
    [
      'In use',
      usage && `${percent(usage.cpu, 1)} CPU, ${bytes(usage.memoryBytes)} memory, ${bytes(usage.storageBytes)} storage`,
    ],
    ['Labels', labels.length > 0 ? labels.join(', ') : null],
  ]);
  for (const gpu of worker.gpus) cli.out.print(`GPU ${gpu.index}: ${gpu.model}, ${bytes(gpu.memoryBytes)}`);
  if (worker.runningTasks.length === 0) return;
  cli.out.print('');
  printTable(
    cli,
    [
      { title: 'TASK', value: ({ taskId }) => taskId },
      { title: 'ATTEMPT', value: ({ attempt }) => String(attempt), align: 'right' },
      { title: 'STATE', value: ({ state }) => state },
      { title: 'CPU', value: (task) => fromMillis(task.resources.cpuMillis), align: 'right' },
      { title: 'MEMORY', value: (task) => bytes(task.resources.memoryBytes), align: 'right' },
      { title: 'GPU', value: (task) => fromMillis(task.resources.gpuMillis), align: 'right' },
    ],
    worker.runningTasks,
  );
}
