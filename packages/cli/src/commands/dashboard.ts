import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { dashboardUrl } from '../dashboard-url.ts';
import { CliError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { timestamp } from '../output/format.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .option('--open', 'open it in the browser of this machine')
    .action((options: { open?: boolean }) => dashboard(cli, options.open === true));
  addExamples(
    command,
    { what: 'an address that logs you in, once', line: 'cloudai dashboard' },
    { what: 'in the browser at once', line: 'cloudai dashboard --open' },
  );
}

async function dashboard(cli: Cli, open: boolean): Promise<void> {
  const [client, { url: master }] = [await cli.client(), await cli.context()];
  const { url, expiresAt } = await dashboardUrl(client, master, cli.signal);
  client.close();
  if (open) await openBrowser(url, cli.env);
  if (cli.json) return cli.out.json({ url, expiresAt });
  if (!cli.quiet) cli.out.note(`It logs you in once, until ${timestamp(expiresAt)}:`);
  cli.out.print(url);
}

/** Returns when the browser has been asked, not when it is closed. */
async function openBrowser(url: string, env: NodeJS.ProcessEnv): Promise<void> {
  const [command = '', ...args] =
    process.platform === 'darwin' ? ['open'] : process.platform === 'win32' ? ['explorer.exe'] : ['xdg-open'];
  const child = spawn(command, [...args, url], { env, stdio: 'ignore', detached: true });
  try {
    await once(child, 'spawn');
    child.unref();
  } catch (cause) {
    throw new CliError('failure', `no browser could be opened with ${command}`, `Open it yourself: ${url}`, { cause });
  }
}
