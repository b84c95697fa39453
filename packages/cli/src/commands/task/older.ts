import type { Command } from 'commander';
import type { Cli } from '../../cli.ts';
import { OLDER_USAGE } from '../../older-task.ts';
import { sendOlder } from '../../send-older.ts';

/** At the prompt `task IMAGE ...` submits. A shell has `run` and `submit`, and a mistyped subcommand must not run there. */
export function configure(command: Command, cli: Cli): void {
  if (!cli.isPrompt) return;
  command
    .argument('[words...]', `or, in the older spelling: ${OLDER_USAGE}`)
    .allowUnknownOption()
    .passThroughOptions()
    .action((words: string[]) => (words.length === 0 ? command.help({ error: true }) : sendOlder(cli, words, false)));
}
