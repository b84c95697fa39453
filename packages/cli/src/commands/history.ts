import fs from 'node:fs';
import type { CloudAI, TaskView } from '@cloudai/sdk';
import { type Command, InvalidArgumentError } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { time } from '../option-values.ts';

/** Largest page that the master answers. */
const PAGE = 1000;

export function configure(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('export')
      .description('Write workers and ended tasks to a file, one JSON object a line, for `cloudai sim`')
      .argument('<file>', 'file to write')
      .option('--since <time>', 'only tasks submitted since then: a time, or how long ago, as 90m, 12h, 7d', since)
      .action((file: string, options: ExportFlags) => exportHistory(cli, file, options)),
    { what: 'a week, replayed through every scheduler', line: 'cloudai history export week.ndjson --since 7d' },
  );
}

interface ExportFlags {
  readonly since?: string;
}

async function exportHistory(cli: Cli, file: string, flags: ExportFlags): Promise<void> {
  const client = await cli.client();
  const unfinished = `${file}.part`;
  const target = open(unfinished);
  let workers = 0;
  let tasks = 0;
  try {
    for await (const { id, total, gpus, labels } of client.listWorkers()) {
      write(target, { kind: 'worker', id, total, gpus, labels });
      workers++;
    }
    for await (const task of endedTasks(client, flags)) {
      cli.signal.throwIfAborted();
      write(target, { kind: 'task', ...task });
      tasks++;
    }
  } catch (error) {
    fs.closeSync(target);
    fs.rmSync(unfinished, { force: true });
    throw error;
  }
  fs.closeSync(target);
  fs.renameSync(unfinished, file);
  client.close();
  if (cli.json) cli.out.json({ file, workers, tasks });
  else cli.out.print(`Wrote ${workers} workers and ${tasks} tasks to ${file}.`);
}

/** The newest first, so that it can stop where the time asked for begins. */
async function* endedTasks(client: CloudAI, { since: from }: ExportFlags): AsyncGenerator<TaskView> {
  for await (const task of client.listTasks({ order: 'newest', limit: PAGE })) {
    if (from !== undefined && task.submittedAt < from) return;
    if (task.endedAt !== null) yield task;
  }
}

function open(file: string): number {
  try {
    return fs.openSync(file, 'w');
  } catch (error) {
    throw new CliError('usage', `${file} can not be written: ${(error as Error).message}`, null, { cause: error });
  }
}

function write(file: number, line: object): void {
  fs.writeSync(file, `${JSON.stringify(line)}\n`);
}

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function since(text: string): string {
  const match = /^-?(\d{1,6})([mhd])$/.exec(text);
  if (match === null) return time(text);
  const at = Date.now() - Number(match[1]) * UNITS_MS[match[2] as keyof typeof UNITS_MS];
  if (Number.isNaN(at)) throw new InvalidArgumentError('A time is expected, or how long ago, as 90m, 12h, 7d.');
  return new Date(at).toISOString();
}
