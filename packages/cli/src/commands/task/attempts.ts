import type { Command } from 'commander';
import { attemptColumns } from '../../attempt-columns.ts';
import type { Cli } from '../../cli.ts';
import { addExamples } from '../../examples.ts';
import { printList } from '../../lists.ts';

export function configure(command: Command, cli: Cli): void {
  command.argument('<task>', 'id, or its first characters').action((id: string) => attempts(cli, id));
  addExamples(command, { what: 'where it ran and how each try ended', line: 'cloudai task attempts k3f' });
}

async function attempts(cli: Cli, id: string): Promise<void> {
  const client = await cli.client();
  const detail = await client.getTask(id, { signal: cli.signal });
  client.close();
  printList(
    cli,
    detail.attempts,
    null,
    ({ number }) => String(number),
    attemptColumns(cli.out.colors, Date.now()),
    `Task ${detail.task.id} has not been tried yet.`,
  );
}
