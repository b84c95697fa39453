import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { contextPath, stateDir } from '../context-file.ts';
import { makeDataFolder } from '../data-folder.ts';
import { addExamples } from '../examples.ts';
import { toCliError } from '../process-errors.ts';

interface Options {
  readonly data: string;
  readonly url?: string;
  readonly context: boolean;
  readonly json?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .option('--data <folder>', 'data directory of the master', stateDir(cli.env))
    .option('--url <url>', 'where users will reach the master (http://127.0.0.1:8080)')
    .option('--no-context', 'leave the context file of this user alone')
    .option('--json', 'answer as JSON')
    .action((options: Options) => init(cli, options));
  addExamples(
    command,
    { what: 'a new cluster on this machine, and the commands of this user speak to it', line: 'cloudai init' },
    { what: 'in a directory of its own', line: 'cloudai init --data /var/lib/cloudai' },
  );
}

async function init(cli: Cli, { data, url, context, json }: Options): Promise<void> {
  const { createCluster } = await import('@cloudai/master');
  makeDataFolder(data);
  try {
    const created = await createCluster({
      dataDir: data,
      contextFile: context ? contextPath(cli.env) : null,
      ...(url === undefined ? {} : { url }),
    });
    const { clusterId, adminFile, contextFile } = created;
    if (json === true) return cli.out.json({ clusterId, data, adminFile, contextFile });
    cli.out.print(`Cluster ${clusterId} is in ${data}.`);
    cli.out.print(`The token of its admin is in ${contextFile ?? adminFile}.`);
    cli.out.note(`Start it with: cloudai master --data ${data}`);
  } catch (error) {
    throw toCliError(error);
  }
}
