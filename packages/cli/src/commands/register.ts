import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { keyValue } from '../option-values.ts';

interface Options {
  readonly label?: Readonly<Record<string, string>>;
  readonly renew?: boolean;
  readonly ttl?: string;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<id>', 'id of the worker')
    .argument('[address]', 'ip:port or host name, kept and shown; workers dial the master, so none is needed')
    .option('-l, --label <key=value>', 'label of the worker', keyValue)
    .option('--renew', 'a new join token for a known id')
    .option('--ttl <duration>', 'how long the join token is valid (15m)')
    .action((id: string, address: string | undefined, options: Options) => register(cli, id, address, options));
  addExamples(
    command,
    { what: 'prints the command to run on the worker', line: 'cloudai register worker-2 192.168.1.20:50052' },
    { what: 'the token was lost or has expired', line: 'cloudai register worker-2 --renew' },
  );
}

async function register(cli: Cli, id: string, address: string | undefined, options: Options): Promise<void> {
  const client = await cli.client();
  const registered = await client.registerWorker({
    id,
    ...(address === undefined ? {} : { address }),
    ...(options.label === undefined ? {} : { labels: { ...options.label } }),
    ...(options.renew === undefined ? {} : { renew: options.renew }),
    ...(options.ttl === undefined ? {} : { tokenTtl: options.ttl }),
  });
  client.close();
  if (cli.json) return cli.out.json(registered);
  if (cli.quiet) return cli.out.print(registered.joinToken);
  const minutes = Math.round((Date.parse(registered.expiresAt) - Date.now()) / 60_000);
  cli.out.note(`Worker ${id} is registered. Within ${minutes} minutes, run on its machine:`);
  cli.out.print(registered.command);
}
