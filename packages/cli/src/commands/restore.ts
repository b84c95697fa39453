import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { stateDir } from '../context-file.ts';
import { addExamples } from '../examples.ts';
import { toCliError } from '../process-errors.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<backup>', 'folder that `cloudai backup` made')
    .option('--data <folder>', 'data directory to make; must not hold a cluster', stateDir(cli.env))
    .action((from: string, { data }: { data: string }) => restore(cli, from, data));
  addExamples(command, {
    what: 'on a new machine',
    line: 'cloudai restore /mnt/backups/cloudai-2027-01-31 --data /var/lib/cloudai',
  });
}

async function restore(cli: Cli, from: string, data: string): Promise<void> {
  const { restoreCluster } = await import('@cloudai/master');
  try {
    const { clusterId, epoch } = await restoreCluster(from, data);
    cli.out.print(`Cluster ${clusterId} is in ${data}, at epoch ${epoch}.`);
    cli.out.note(`Start it with: cloudai master --data ${data}`);
  } catch (error) {
    throw toCliError(error);
  }
}
