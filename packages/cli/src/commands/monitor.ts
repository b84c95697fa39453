import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError, Interrupted } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { endLine, writeRecord } from '../follow.ts';
import { waitForKey } from '../keys.ts';
import { CLEAR_SCREEN } from '../live.ts';
import { printable } from '../output/printable.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<task>', 'id, or its first characters')
    .argument('[user]', 'owner of the task; refused when it is somebody else')
    .action((id: string, user: string | undefined) => monitor(cli, id, user));
  addExamples(command, { what: 'its log from the beginning, live', line: 'cloudai monitor k3f' });
}

/** Leaving never touches the task. */
async function monitor(cli: Cli, id: string, user: string | undefined): Promise<void> {
  const client = await cli.client('patient');
  const { task } = await client.getTask(id, { signal: cli.signal });
  if (user !== undefined && user !== task.owner) {
    throw new CliError('notFound', `${user} has no task ${task.id}`, 'Leave the user out, or name its owner.');
  }
  const leave = new AbortController();
  const signal = AbortSignal.any([cli.signal, leave.signal]);
  const live = cli.out.isTerminal && process.stdin.isTTY === true && !cli.json;
  // Only a terminal has keys; into a file the log is written as it is.
  const key = live ? waitForKey(process.stdin, signal).then(() => leave.abort(new Interrupted('key pressed'))) : null;
  try {
    if (live) await cli.out.write(CLEAR_SCREEN + header(cli, task.id, task.owner, task.image));
    for await (const record of client.readLogs(task.id, { follow: true }, { signal })) {
      if (record.kind !== 'end') await writeRecord(cli, record);
      else if (cli.json) cli.out.print(JSON.stringify(record));
      else cli.out.print(banner(cli, endLine(record)));
    }
    await key;
  } catch (error) {
    if (!leave.signal.aborted) throw error;
  } finally {
    leave.abort(new Interrupted('done'));
    await key;
    client.close();
  }
  if (live) cli.out.print('');
}

function header(cli: Cli, id: string, owner: string, image: string): string {
  const line = '═'.repeat(Math.min(cli.out.width ?? 60, 60));
  return [
    line,
    cli.out.colors.bold('  TASK MONITOR - Live Logs'),
    line,
    `Task ID: ${id}`,
    `User ID: ${printable(owner)}`,
    `Image:   ${printable(image)}`,
    'Press any key to exit',
    '─'.repeat(line.length),
    '',
  ].join('\n');
}

function banner(cli: Cli, text: string): string {
  const line = '═'.repeat(Math.min(cli.out.width ?? 60, 60));
  const paint = text.startsWith('completed') ? cli.out.colors.green : cli.out.colors.red;
  return `${line}\n${paint(`  Task ${printable(text)}`)}\n${line}`;
}
