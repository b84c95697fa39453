import type { Command } from 'commander';

/** The prompt itself understands the word; this lets help and completion know it. */
export function configure(command: Command): void {
  command.action(() => {});
}
