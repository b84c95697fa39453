import type { EventView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { addExamples } from '../../examples.ts';
import { printList } from '../../lists.ts';
import { timestamp } from '../../output/format.ts';
import { printable } from '../../output/printable.ts';
import type { Column } from '../../output/table.ts';

export function configure(command: Command, cli: Cli): void {
  command.argument('<task>', 'id, or its first characters').action((id: string) => events(cli, id));
  addExamples(command, { what: 'what happened to it, in order', line: 'cloudai task events k3f' });
}

const COLUMNS: readonly Column<EventView>[] = [
  { title: 'AT', value: (event) => timestamp(event.at) },
  { title: 'EVENT', value: (event) => printable(event.kind) },
  { title: 'ATTEMPT', value: (event) => (event.attempt === null ? '-' : String(event.attempt)), align: 'right' },
  { title: 'WORKER', value: (event) => printable(event.worker ?? '-'), shrinks: true },
  { title: 'BY', value: (event) => printable(event.by ?? '-'), shrinks: true },
  { title: 'MESSAGE', value: (event) => printable(event.message ?? '-'), shrinks: true },
];

async function events(cli: Cli, id: string): Promise<void> {
  const client = await cli.client();
  const items: EventView[] = [];
  for await (const event of client.listTaskEvents(id)) items.push(event);
  client.close();
  printList(cli, items, null, ({ sequence }) => String(sequence), COLUMNS, 'No events.');
}
