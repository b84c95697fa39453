import { ApiError, type CloudAI, type TaskView } from '@cloudai/sdk';
import type { Cli } from './cli.ts';
import { CliError } from './errors.ts';
import { parseOlder, previewLines, toOlderSubmission } from './older-task.ts';
import { box } from './output/box.ts';
import { printable } from './output/printable.ts';

/** `task` and `dispatch` of the prompt: shows what will be sent, sends it, says where it stands. */
export async function sendOlder(cli: Cli, words: readonly string[], workerFirst: boolean): Promise<void> {
  const client = await cli.client();
  const workers = await client.listWorkers().take(Number.POSITIVE_INFINITY);
  const request = parseOlder(words, (word) => workers.some(({ id }) => id === word), workerFirst);
  if (request.worker !== null) {
    const worker = workers.find(({ id }) => id === request.worker);
    if (worker === undefined)
      throw new CliError('notFound', `Worker ${request.worker} not found`, 'See `workers` for their ids.');
    if (worker.state !== 'active') {
      throw new CliError('refused', `Worker ${request.worker} is not active`, 'Start it, or choose another one.');
    }
  }
  const lines = previewLines(request).map(printable);
  if (!cli.json && !cli.quiet) for (const line of box('Sending task', lines, cli.out.width)) cli.out.print(line);
  const task = await client.submitTask(toOlderSubmission(request), { signal: cli.signal });
  if (cli.json) cli.out.json(task);
  else if (cli.quiet) cli.out.print(task.id);
  else cli.out.print(await standing(client, task, request.worker));
  client.close();
}

async function standing(client: CloudAI, task: TaskView, worker: string | null): Promise<string> {
  if (worker !== null) return `Task submitted successfully to ${worker}. Task ID: ${task.id}`;
  const position = await client.explainTask(task.id).then(
    (explanation) => explanation.position,
    (error: unknown) => {
      if (error instanceof ApiError) return null;
      throw error;
    },
  );
  // Already out of the queue: it found its worker in the meantime.
  const where =
    position === null
      ? 'It starts at once.'
      : `Queue position: ${position}. Scheduler will assign it to an available worker.`;
  return `Task submitted successfully. ${where}\nTask ID: ${task.id}`;
}
