import type { CloudAI } from '@cloudai/sdk';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { Interrupted } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { exitCodeOfTask } from '../exit-codes.ts';
import { endLine, followTask } from '../follow.ts';
import { addSubmissionOptions, type SubmissionOptions, toSubmission } from '../submission-options.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<image>', 'image to run')
    .argument('[command...]', 'what runs in it instead of its default')
    .passThroughOptions()
    .action((image: string, args: string[], options: SubmissionOptions) => run(cli, image, args, options));
  addSubmissionOptions(command);
  addExamples(
    command,
    {
      what: 'a command with its arguments; options of cloudai stand before the image',
      line: 'cloudai run --cpu 2 --memory 1Gi busybox echo hello',
    },
    { what: 'a line for the shell', line: "cloudai run -c 'sleep 2; date' busybox" },
    {
      what: 'on one worker, at most ten minutes',
      line: 'cloudai run --worker worker-1 --timeout 10m python:3.13 python -c "print(6 * 7)"',
    },
  );
}

/** Ctrl-C cancels the task and waits for its end; a second one leaves at once. */
async function run(cli: Cli, image: string, args: readonly string[], options: SubmissionOptions): Promise<void> {
  const client = await cli.client('patient');
  const { id } = await client.submitTask(toSubmission(image, args, options), { signal: cli.signal });
  if (!cli.quiet && !cli.json) cli.out.note(cli.out.colors.dim(`task ${id}`));
  const leave = new AbortController();
  const cancelling: Promise<void>[] = [];
  cli.takeInterrupts(() => {
    if (cancelling.length > 0) return leave.abort(new Interrupted('interrupted'));
    cli.out.note(`cancelling task ${id}; Ctrl-C again leaves it to itself`);
    cancelling.push(cancel(cli, client, id, leave.signal));
  });
  try {
    const end = await followTask(cli, client, id, leave.signal);
    // The end may be known before the answer to the cancel is.
    await Promise.all(cancelling);
    cli.exitCode = exitCodeOfTask(end);
    if (cli.json) cli.out.print(JSON.stringify({ kind: 'end', ...end, taskId: id }));
    else if (cli.exitCode !== 0 && !cli.quiet) cli.out.note(`task ${id} ${endLine(end)}`);
  } finally {
    cli.takeInterrupts(null);
    client.close();
  }
}

async function cancel(cli: Cli, client: CloudAI, id: string, signal: AbortSignal): Promise<void> {
  try {
    await client.cancelTask(id, { message: 'interrupted at the terminal' }, { signal });
  } catch (error) {
    if (!signal.aborted) cli.out.note(`could not cancel task ${id}: ${(error as Error).message}`);
  }
}
