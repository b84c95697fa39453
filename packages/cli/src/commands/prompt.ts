import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { runPrompt } from '../prompt/prompt.ts';

export function configure(command: Command, cli: Cli): void {
  command.action(async () => {
    // Says early when no cluster is known.
    const context = await cli.context();
    await runPrompt({ env: cli.env, context, signal: cli.signal });
  });
  addExamples(
    command,
    { what: 'Tab completes, the history is kept, exit leaves', line: 'cloudai prompt' },
    { what: 'commands from a file', line: 'cloudai prompt < commands.txt' },
  );
}
