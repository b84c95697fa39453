import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { addExamples } from '../../examples.ts';

interface Options {
  readonly off?: boolean;
  readonly deadline?: string;
  readonly reason?: string;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<id>', 'id of the worker')
    .option('--deadline <duration>', 'what still runs then is stopped and placed elsewhere: 30m')
    .option('--reason <text>', 'why, for everybody to see')
    .option('--off', 'end the drain')
    .action((id: string, options: Options) => drain(cli, id, options));
  addExamples(
    command,
    { what: 'before maintenance', line: 'cloudai worker drain worker-1 --deadline 30m --reason "new disk"' },
    { what: 'and after it', line: 'cloudai worker drain worker-1 --off' },
  );
}

async function drain(cli: Cli, id: string, options: Options): Promise<void> {
  const client = await cli.client();
  const worker = await client.drainWorker(id, options);
  client.close();
  if (cli.json) return cli.out.json(worker);
  if (cli.quiet) return cli.out.print(worker.id);
  const tasks = worker.runningTasks.length;
  const rest = tasks === 0 ? 'nothing runs on it' : `${tasks} ${tasks === 1 ? 'task' : 'tasks'} still on it`;
  cli.out.print(
    worker.drain === null ? `Worker ${id} takes tasks again.` : `Worker ${id} takes no new tasks; ${rest}.`,
  );
}
