import type { TaskView } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { forEachTask } from '../../each-task.ts';
import { addExamples } from '../../examples.ts';
import { stateText } from '../../task-columns.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<task...>', 'ids, or their first characters')
    .option('-m, --message <text>', 'why, for the record')
    .action((ids: string[], { message }: { message?: string }) =>
      forEachTask(
        cli,
        ids,
        (client, id) => client.cancelTask(id, message === undefined ? {} : { message }, { signal: cli.signal }),
        said,
      ),
    );
  addExamples(
    command,
    { what: 'one task', line: 'cloudai cancel k3f' },
    { what: 'everything that waits', line: 'cloudai cancel $(cloudai tasks --state queued --all -q)' },
  );
}

function said(task: TaskView): string {
  const ended = task.state === 'cancelled' || task.state === 'completed' || task.state === 'failed';
  return `${task.id} ${ended ? stateText(task) : 'is being cancelled'}`;
}
