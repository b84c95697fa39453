import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { printLongList } from '../worker-text.ts';

/** The older name of `workers --long`. */
export function configure(command: Command, cli: Cli): void {
  command.action(() => list(cli));
}

async function list(cli: Cli): Promise<void> {
  const client = await cli.client();
  const workers = await client.listWorkers().take(Number.POSITIVE_INFINITY);
  client.close();
  if (cli.json) cli.out.json({ items: workers, next: null });
  else printLongList(cli.out, workers);
}
