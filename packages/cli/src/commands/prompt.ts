import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { runPrompt } from '../prompt/prompt.ts';

export function configure(command: Command, cli: Cli): void {
  command.action(() => prompt(cli));
  addExamples(
    command,
    { what: 'Tab completes, the history is kept, exit leaves', line: 'cloudai prompt' },
    { what: 'commands from a file', line: 'cloudai prompt < commands.txt' },
  );
}

async function prompt(cli: Cli): Promise<void> {
  // Says early when no cluster is known.
  const context = await cli.context();
  const stop = new AbortController();
  cli.keepsCtrlC = true;
  cli.takeInterrupts((signal) => {
    if (signal !== 'SIGINT') stop.abort();
  });
  await runPrompt({ env: cli.env, context, signal: stop.signal });
}
