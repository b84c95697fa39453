import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { addExamples } from '../../examples.ts';
import { wholeNumber } from '../../option-values.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<task>', 'id, or its first characters')
    .argument('<0-100>', 'larger goes first', wholeNumber)
    .action((id: string, priority: number) => setPriority(cli, id, priority));
  addExamples(command, { what: 'let it go first', line: 'cloudai task priority k3f 100' });
}

async function setPriority(cli: Cli, id: string, priority: number): Promise<void> {
  const client = await cli.client();
  const task = await client.updateTask(id, { priority }, { signal: cli.signal });
  client.close();
  if (cli.json) cli.out.json(task);
  else cli.out.print(cli.quiet ? task.id : `${task.id} has priority ${task.priority}`);
}
