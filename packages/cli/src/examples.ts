import type { Command } from 'commander';

export interface Example {
  readonly what: string;
  readonly line: string;
}

const known = new WeakMap<Command, readonly Example[]>();

/** Shown under the help of the command and in the reference. */
export function addExamples(command: Command, ...examples: readonly Example[]): Command {
  known.set(command, examples);
  const text = examples.map(({ what, line }) => `  # ${what}\n  ${line}`).join('\n');
  return command.addHelpText('after', `\nExamples:\n${text}`);
}

export function examplesOf(command: Command): readonly Example[] {
  return known.get(command) ?? [];
}
