import type { TaskView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { printTable } from '../lists.ts';
import { stateColor, taskColumns } from '../task-columns.ts';
import { printTasks } from './tasks.ts';

const STATES = ['running', 'assigned', 'queued', 'pending', 'completed', 'failed', 'cancelled'] as const;
/** More than anybody reads; `tasks --all` has no limit. */
const MOST = 500;

/** The older form of `tasks`: all of them, grouped by state, or those of one state. */
export function configure(command: Command, cli: Cli): void {
  command.argument('[status]', STATES.join(', ')).action((status: string | undefined) => listTasks(cli, status));
}

async function listTasks(cli: Cli, status: string | undefined): Promise<void> {
  if (status !== undefined && !STATES.some((state) => state === status)) {
    throw usageError(`${status} is not a status of a task`, `There are ${STATES.join(', ')}.`);
  }
  const client = await cli.client();
  if (status !== undefined || cli.json || cli.quiet) {
    await printTasks(cli, client, status === undefined ? {} : { state: status }, MOST);
  } else {
    printGroups(cli, await client.listTasks({ limit: MOST }).take(MOST));
  }
  client.close();
}

function printGroups(cli: Cli, tasks: readonly TaskView[]): void {
  if (tasks.length === 0) cli.out.note('No tasks.');
  for (const state of STATES) {
    const group = tasks.filter((task) => task.state === state);
    if (group.length === 0) continue;
    cli.out.print(stateColor(cli.out.colors, state)(`${state} (${group.length})`));
    printTable(cli, taskColumns(cli.out.colors, Date.now()), group);
    cli.out.print('');
  }
}
