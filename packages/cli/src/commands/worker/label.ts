import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { usageError } from '../../errors.ts';
import { addExamples } from '../../examples.ts';
import { printable } from '../../output/printable.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<id>', 'id of the worker')
    .argument('<change...>', 'KEY=VALUE sets a label, KEY- removes it')
    .action((id: string, changes: string[]) => label(cli, id, changes));
  addExamples(command, { what: 'set one and remove another', line: 'cloudai worker label worker-1 zone=north old-' });
}

async function label(cli: Cli, id: string, changes: readonly string[]): Promise<void> {
  const patch = Object.fromEntries(changes.map(toChange));
  const client = await cli.client();
  const worker = await client.labelWorker(id, patch);
  client.close();
  if (cli.json) return cli.out.json(worker);
  if (cli.quiet) return cli.out.print(worker.id);
  const labels = Object.entries(worker.labels).map(([key, value]) => `${key}=${value}`);
  cli.out.print(`${worker.id}: ${printable(labels.join(', ')) || 'no labels'}`);
}

function toChange(text: string): [string, string | null] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  if (at === -1 && text.length > 1 && text.endsWith('-')) return [text.slice(0, -1), null];
  throw usageError(`${text}: KEY=VALUE or KEY- is expected`);
}
