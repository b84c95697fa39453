import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { each } from '../option-values.ts';
import { readSubmissions } from '../submission-file.ts';
import { addSubmissionOptions, type SubmissionOptions, toSubmission } from '../submission-options.ts';

interface Options extends SubmissionOptions {
  readonly file?: readonly string[];
  readonly idempotencyKey?: string;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument('[image]', 'image to run; - reads tasks from standard input')
    .argument('[command...]', 'what runs in it instead of its default')
    .passThroughOptions()
    .option('-f, --file <file>', 'tasks in YAML or JSON, one or many; - is standard input', each)
    .option('--idempotency-key <key>', 'a repeat with the same key and tasks submits nothing new')
    .action((image: string | undefined, args: string[], options: Options) => submit(cli, image, args, options));
  addSubmissionOptions(command);
  addExamples(
    command,
    { what: 'one task; its id is printed', line: 'cloudai submit --memory 2Gi busybox sh -c "echo hello"' },
    { what: 'all tasks of a file, or none of them', line: 'cloudai submit -f tasks.yaml' },
    { what: 'from another program', line: 'make-tasks | cloudai submit -q -' },
  );
}

async function submit(cli: Cli, image: string | undefined, args: readonly string[], options: Options): Promise<void> {
  const files = image === '-' ? [...(options.file ?? []), '-'] : (options.file ?? []);
  if (files.length > 0 && ((image !== undefined && image !== '-') || args.length > 0)) {
    throw usageError('a file and an image on the command line are two submits', 'Leave one of them out.');
  }
  if (files.length === 0 && image === undefined) {
    throw usageError('nothing to submit', 'Name an image, or a file with -f FILE.');
  }
  const { name, tasks } =
    files.length > 0 ? await readSubmissions(files) : { name: null, tasks: [toSubmission(image ?? '', args, options)] };
  const client = await cli.client('patient');
  const call = {
    signal: cli.signal,
    ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
  };
  const [only] = tasks;
  if (tasks.length === 1 && only !== undefined && name === null) {
    const task = await client.submitTask(only, call);
    if (cli.json) cli.out.json(task);
    else cli.out.print(task.id);
  } else {
    const job = await client.submitJob({ ...(name === null ? {} : { name }), tasks: [...tasks] }, call);
    if (cli.json) cli.out.json(job);
    else for (const id of job.taskIds) cli.out.print(id);
    if (!cli.json && !cli.quiet) cli.out.note(`job ${job.jobId}: ${job.taskIds.length} tasks`);
  }
  client.close();
}
