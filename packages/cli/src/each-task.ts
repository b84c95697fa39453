import type { CloudAI, TaskView } from '@cloudai/sdk';
import type { Cli } from './cli.ts';
import { presentError } from './errors.ts';

/** The same for each of several tasks. One that fails is reported and does not stop the others. */
export async function forEachTask(
  cli: Cli,
  ids: readonly string[],
  act: (client: CloudAI, id: string) => Promise<TaskView>,
  say: (task: TaskView) => string,
): Promise<void> {
  const client = await cli.client();
  const done: TaskView[] = [];
  for (const id of ids) {
    try {
      const task = await act(client, id);
      done.push(task);
      if (!cli.json) cli.out.print(cli.quiet ? task.id : say(task));
    } catch (error) {
      if (ids.length === 1) throw error;
      cli.signal.throwIfAborted();
      cli.exitCode = presentError(error, cli.out, cli.json);
    }
  }
  client.close();
  if (cli.json) cli.out.json({ items: done, next: null });
}
