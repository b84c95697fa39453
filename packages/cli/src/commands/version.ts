import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { VERSION } from '../version.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .option('--master', 'ask the master for its version too')
    .action((options: { master?: boolean }) => version(cli, options.master === true));
  addExamples(command, { what: 'of this command and of the master', line: 'cloudai version --master' });
}

async function version(cli: Cli, askMaster: boolean): Promise<void> {
  const client = { version: VERSION, node: process.versions.node };
  if (!askMaster) return cli.json ? cli.out.json({ client }) : cli.out.print(`cloudai ${VERSION}`);
  const sdk = await cli.client();
  const master = await sdk.getVersion({ signal: cli.signal });
  sdk.close();
  if (cli.json) return cli.out.json({ client, master });
  cli.out.print(`cloudai ${VERSION}`);
  cli.out.print(`master  ${master.version} (API ${master.api})`);
}
