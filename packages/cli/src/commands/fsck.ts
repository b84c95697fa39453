import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { stateDir } from '../context-file.ts';
import { addExamples } from '../examples.ts';
import { exitCode } from '../exit-codes.ts';
import { toCliError } from '../process-errors.ts';

interface Options {
  readonly data: string;
  readonly json?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .option('--data <folder>', 'data directory of the master', stateDir(cli.env))
    .option('--json', 'answer as JSON')
    .action((options: Options) => fsck(cli, options));
  addExamples(command, {
    what: 'beside a running master or without one; ends with 1 if it finds anything',
    line: 'cloudai fsck',
  });
}

async function fsck(cli: Cli, { data, json }: Options): Promise<void> {
  const { checkCluster } = await import('@cloudai/master');
  try {
    const findings = await checkCluster(data);
    if (findings.length > 0) cli.exitCode = exitCode('failure');
    if (json === true) return cli.out.json({ items: findings, next: null });
    for (const { invariant, message } of findings) cli.out.print(`${invariant}: ${message}`);
    cli.out.note(
      findings.length === 0
        ? 'Every invariant holds.'
        : `${findings.length} findings; restore a backup, or report them.`,
    );
  } catch (error) {
    throw toCliError(error);
  }
}
