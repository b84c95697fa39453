import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<id>', 'id of the worker')
    .option('--force', 'also when tasks run on it; they start again elsewhere')
    .action((id: string, { force }: { force?: boolean }) => unregister(cli, id, force === true));
  addExamples(command, {
    what: 'after its tasks have ended',
    line: 'cloudai worker drain worker-2 && cloudai unregister worker-2',
  });
}

async function unregister(cli: Cli, id: string, force: boolean): Promise<void> {
  const client = await cli.client();
  await client.unregisterWorker(id, force ? { force } : {});
  client.close();
  if (cli.json) cli.out.json({ id, state: 'revoked' });
  else cli.out.print(cli.quiet ? id : `Worker ${id} is unregistered.`);
}
