import type { SchedulerView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { printList } from '../lists.ts';
import { printable } from '../output/printable.ts';

export function configure(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('show')
      .description('The placement policy in use')
      .action(async () => {
        const view = await getScheduler(cli);
        if (cli.json) cli.out.json(view);
        else cli.out.print(view.placement);
      }),
    { what: 'its name', line: 'cloudai scheduler show' },
  );
  addExamples(
    command
      .command('list')
      .description('All placement policies')
      .action(async () => list(cli, await getScheduler(cli))),
    { what: 'names and what they do', line: 'cloudai scheduler list' },
  );
  addExamples(
    command
      .command('use')
      .description('Choose the placement policy')
      .argument('<name>', 'name of a policy')
      .action((name: string) => use(cli, name)),
    { what: 'spread tasks over the workers', line: 'cloudai scheduler use balanced' },
  );
}

async function getScheduler(cli: Cli): Promise<SchedulerView> {
  const client = await cli.client();
  const view = await client.getScheduler({ signal: cli.signal });
  client.close();
  return view;
}

function list(cli: Cli, view: SchedulerView): void {
  if (cli.json) {
    cli.out.json(view);
    return;
  }
  printList(
    cli,
    view.available,
    null,
    ({ name }) => name,
    [
      { title: '', value: ({ name }) => (name === view.placement ? '*' : '') },
      { title: 'NAME', value: ({ name }) => printable(name) },
      { title: 'WHAT IT DOES', value: ({ summary }) => printable(summary), shrinks: true },
    ],
    'No policies.',
  );
}

async function use(cli: Cli, name: string): Promise<void> {
  const client = await cli.client();
  const view = await client.useScheduler(name);
  client.close();
  if (cli.json) cli.out.json(view);
  else cli.out.print(cli.quiet ? view.placement : `Tasks are placed by ${view.placement} from now on.`);
}
