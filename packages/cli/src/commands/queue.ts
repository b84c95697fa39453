import type { QueueView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { printList } from '../lists.ts';
import { wholeNumber } from '../option-values.ts';
import { duration, resources, timestamp } from '../output/format.ts';
import { printable } from '../output/printable.ts';
import type { Column } from '../output/table.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .option('--limit <n>', 'how many', wholeNumber, 50)
    .action(({ limit }: { limit: number }) => queue(cli, limit));
  addExamples(command, { what: 'who is next, and what each waits for', line: 'cloudai queue' });
}

type Item = QueueView['items'][number];

const COLUMNS: readonly Column<Item>[] = [
  { title: '#', value: ({ position }) => String(position), align: 'right' },
  { title: 'ID', value: ({ task }) => task.id },
  { title: 'WORKER', value: ({ task }) => printable(task.worker ?? 'Waiting for scheduler') },
  { title: 'IMAGE', drops: 2, value: ({ task }) => printable(task.image), shrinks: true },
  { title: 'USER', drops: 5, value: ({ task }) => printable(task.owner), shrinks: true },
  { title: 'NEEDS', drops: 1, value: ({ task }) => resources(task.resources) },
  { title: 'QUEUED AT', drops: 4, value: ({ task }) => timestamp(task.queuedAt) },
  { title: 'IN QUEUE', value: ({ waitingMs }) => duration(waitingMs) },
  { title: 'ATTEMPTS', drops: 3, value: ({ task }) => String(task.attempt), align: 'right' },
  { title: 'STATUS', value: ({ task, message }) => printable(message ?? task.state), shrinks: true },
];

async function queue(cli: Cli, limit: number): Promise<void> {
  const client = await cli.client();
  const view = await client.getQueue({ limit: Math.min(1000, Math.max(1, limit)) }, { signal: cli.signal });
  client.close();
  if (cli.json) return cli.out.json(view);
  printList(cli, view.items, null, ({ task }) => task.id, COLUMNS, 'No task waits.');
  if (!cli.quiet && view.total > view.items.length) cli.out.note(`${view.total} tasks wait in all.`);
}
