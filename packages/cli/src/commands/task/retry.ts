import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { forEachTask } from '../../each-task.ts';
import { addExamples } from '../../examples.ts';

export function configure(command: Command, cli: Cli): void {
  command.argument('<task...>', 'ids of ended tasks, or their first characters').action((ids: string[]) =>
    forEachTask(
      cli,
      ids,
      (client, id) => client.retryTask(id, { signal: cli.signal }),
      (task) => `${task.id} repeats ${task.retryOf}`,
    ),
  );
  addExamples(command, { what: 'a new task with the spec of an ended one', line: 'cloudai task retry k3f' });
}
