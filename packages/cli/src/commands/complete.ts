import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { printable } from '../output/printable.ts';

/** What the scripts of `completion` call: candidates for the last word, each with a tab and what it is. */
export function configure(command: Command, cli: Cli): void {
  command
    .argument('[words...]')
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (words: string[]) => {
      const { candidatesFor } = await import('../completion/candidates.ts');
      for (const { word, about } of await candidatesFor(cli, words)) cli.out.print(`${word}\t${printable(about)}`);
    });
}
