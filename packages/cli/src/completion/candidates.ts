/** What may stand where the last word is: commands, subcommands, options, and ids that the master knows. */
import type { Argument, Command } from 'commander';
import type { Cli } from '../cli.ts';
import { createProgram, wantedCommand } from '../program.ts';

export interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** A Tab that waits longer than this is worse than one that offers nothing. */
const ASK_MS = 1500;
const MOST_IDS = 100;

/** Candidates for the last of the words, which may be empty. */
export async function candidatesFor(cli: Cli, words: readonly string[]): Promise<Candidate[]> {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const program = await createProgram(cli, wantedCommand(before));
  const { command, operands, awaitsValue } = descend(program, before);
  const all = awaitsValue
    ? valuesOf(command, before.at(-1) ?? '')
    : last.startsWith('-')
      ? optionsOf(command)
      : [...subcommandsOf(command), ...(await argumentsOf(cli, command, operands, last))];
  return all.filter(({ word }) => word.startsWith(last));
}

interface Place {
  readonly command: Command;
  readonly operands: number;
  readonly awaitsValue: boolean;
}

function descend(program: Command, words: readonly string[]): Place {
  let command = program;
  let operands = 0;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word.startsWith('-')) {
      if (!takesValue(command, word) || word.includes('=')) continue;
      if (at === words.length - 1) return { command, operands, awaitsValue: true };
      at++;
      continue;
    }
    const next =
      operands === 0
        ? command.commands.find((each) => each.name() === word || each.aliases().includes(word))
        : undefined;
    if (next === undefined) operands++;
    else command = next;
  }
  return { command, operands, awaitsValue: false };
}

function optionOf(command: Command, word: string) {
  return command.options.find((option) => option.short === word || option.long === word);
}

function takesValue(command: Command, word: string): boolean {
  const option = optionOf(command, word);
  return option !== undefined && (option.required || option.optional);
}

function valuesOf(command: Command, word: string): Candidate[] {
  return (optionOf(command, word)?.argChoices ?? []).map((choice) => ({ word: choice, about: '' }));
}

function optionsOf(command: Command): Candidate[] {
  const shown = command.options.filter((option) => !option.hidden);
  return [
    ...shown.map((option) => ({ word: option.long ?? option.short ?? '', about: option.description })),
    { word: '--help', about: 'display help' },
  ];
}

function subcommandsOf(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((each) => ({ word: each.name(), about: each.description() }));
}

async function argumentsOf(cli: Cli, command: Command, operands: number, last: string): Promise<Candidate[]> {
  const declared = command.registeredArguments;
  const argument = declared[operands] ?? (declared.at(-1)?.variadic === true ? declared.at(-1) : undefined);
  if (argument === undefined) return [];
  if (argument.argChoices !== undefined) return argument.argChoices.map((word) => ({ word, about: '' }));
  const late = new Promise<Candidate[]>((resolve) => setTimeout(resolve, ASK_MS, []).unref());
  return Promise.race([idsFor(cli, command, argument, last).catch(() => []), late]);
}

async function idsFor(cli: Cli, command: Command, argument: Argument, prefix: string): Promise<Candidate[]> {
  const wantsTask = argument.name() === 'task';
  const parent = command.parent?.name();
  const wantsWorker =
    argument.name() === 'worker' ||
    (argument.name() === 'id' && (parent === 'worker' || command.name() === 'unregister'));
  const isOlderTask = command.name() === 'task' && cli.isPrompt;
  if (!wantsTask && !wantsWorker && !isOlderTask) return [];
  // A Tab asks once and complains about nothing.
  cli.shared = { ...cli.shared, quiet: true };
  const client = await cli.client();
  try {
    if (!wantsTask) {
      const workers = await client.listWorkers().take(MOST_IDS);
      return workers.map(({ id, state }) => ({ word: id, about: state }));
    }
    const tasks = await client.listTasks({ limit: MOST_IDS, ...(prefix === '' ? {} : { id: prefix }) }).take(MOST_IDS);
    return tasks.map(({ id, name, image, state }) => ({ word: id, about: `${state} ${name ?? image}` }));
  } finally {
    client.close();
  }
}
