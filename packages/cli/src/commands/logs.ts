import type { LogQuery } from '@cloudai/sdk';
import { type Command, Option } from 'commander';
import type { Cli } from '../cli.ts';
import { usageError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { endLine, writeRecord } from '../follow.ts';
import { wholeNumber } from '../option-values.ts';

interface Options {
  readonly follow?: boolean;
  readonly grep?: string;
  readonly regex?: string;
  readonly since?: string;
  readonly tail?: number;
  readonly stream?: 'stdout' | 'stderr';
  readonly attempt?: string;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<task>', 'id, or its first characters')
    .option('-f, --follow', 'go on until the task ends, over its retries')
    .option('--grep <text>', 'only lines with this text')
    .option('--regex <pattern>', 'only lines that match')
    .option('--since <time>', 'only lines since a time, or of the last 10m')
    .option('--tail <lines>', 'only the last lines', wholeNumber)
    .addOption(new Option('--stream <name>', 'only one of them').choices(['stdout', 'stderr']))
    .option('--attempt <n>', 'number of an attempt, or all; the newest without it')
    .action((id: string, options: Options) => logs(cli, id, options));
  addExamples(
    command,
    { what: 'the whole log, also long after the end', line: 'cloudai logs k3f' },
    { what: 'the last lines and everything that follows', line: 'cloudai logs -f --tail 20 k3f' },
    {
      what: 'errors of the last ten minutes of all attempts',
      line: 'cloudai logs --attempt all --since 10m --grep ERROR k3f',
    },
  );
}

/** Standard error of the task goes to standard error. With --json each record is one line. */
async function logs(cli: Cli, id: string, options: Options): Promise<void> {
  const client = await cli.client('patient');
  for await (const record of client.readLogs(id, toQuery(options), { signal: cli.signal })) {
    if (record.kind !== 'end') await writeRecord(cli, record);
    else if (cli.json) cli.out.print(JSON.stringify(record));
    else if (options.follow === true && !cli.quiet) cli.out.note(cli.out.colors.dim(endLine(record)));
  }
  client.close();
}

function toQuery({ attempt, ...rest }: Options): Omit<LogQuery, 'format'> {
  if (attempt === undefined || attempt === 'all') return attempt === undefined ? rest : { ...rest, attempt };
  if (!/^[1-9]\d{0,6}$/.test(attempt)) throw usageError(`--attempt ${attempt}: a number from 1, or all, is expected`);
  return { ...rest, attempt: Number(attempt) };
}
