import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { stateDir } from '../context-file.ts';
import { addExamples } from '../examples.ts';
import { bytes } from '../output/format.ts';
import { toCliError } from '../process-errors.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<target>', 'folder that the backup becomes; must not exist')
    .option('--data <folder>', 'data directory of the master', stateDir(cli.env))
    .option('--state-only', 'without logs, files and charts of tasks')
    .action((target: string, options: { data: string; stateOnly?: boolean }) => backup(cli, target, options));
  addExamples(command, {
    what: 'while the master runs; keep it as safe as the original, it holds the keys of the cluster',
    line: 'cloudai backup /mnt/backups/cloudai-$(date +%F)',
  });
}

async function backup(cli: Cli, target: string, options: { data: string; stateOnly?: boolean }): Promise<void> {
  const { backupCluster } = await import('@cloudai/master');
  try {
    const { clusterId, sizeBytes } = await backupCluster(options.data, target, {
      stateOnly: options.stateOnly === true,
    });
    cli.out.print(`Cluster ${clusterId} is copied to ${target}; its state has ${bytes(sizeBytes)}.`);
  } catch (error) {
    throw toCliError(error);
  }
}
