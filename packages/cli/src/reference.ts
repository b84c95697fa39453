/**
 * The reference of commands, from the definitions that the commands themselves run by. After a change:
 *   node packages/cli/src/reference.ts > docs/reference/commands.md
 */
import type { Command } from 'commander';
import { Cli } from './cli.ts';
import { COMMANDS } from './commands/index.ts';
import { examplesOf } from './examples.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { Output } from './output/output.ts';
import { createProgram } from './program.ts';

/** Folders as people read them, not those of the machine that writes the page. */
const ENV = { XDG_STATE_HOME: '$XDG_STATE_HOME', XDG_CONFIG_HOME: '$XDG_CONFIG_HOME' };

export async function commandsMarkdown(): Promise<string> {
  const shell = await programFor(false);
  const prompt = await programFor(true);
  const groups = [...new Set(COMMANDS.map(({ group }) => group))];
  const sections = groups.map((group) => section(group, shell));
  return `${[
    '# Commands',
    'Made from the definitions of the commands by `node packages/cli/src/reference.ts`; `cloudai help COMMAND` prints the same.',
    'Commands that speak to a master also take:',
    sharedOptions(shell),
    ...sections,
    '## Only at the `master>` prompt',
    'The prompt takes every command above except those of "This machine" and `config`, `prompt`, `completion`; and these:',
    ...COMMANDS.filter(({ only }) => only === 'prompt').flatMap(({ name }) => pages(find(prompt, name), name)),
    olderTask(find(prompt, 'task')),
    '## Exit codes',
    exitCodes(),
  ].join('\n\n')}\n`;
}

function section(group: string, shell: Command): string {
  const entries = COMMANDS.filter((entry) => entry.group === group && entry.only !== 'prompt' && entry.hidden !== true);
  return [`## ${group}`, ...entries.flatMap(({ name }) => pages(find(shell, name), `cloudai ${name}`))].join('\n\n');
}

/** A command, and below it its subcommands. */
function pages(command: Command, name: string): string[] {
  const subcommands = command.commands.flatMap((sub) => pages(sub, `${name} ${sub.name()}`));
  const isGroup = command.commands.length > 0 && ownOptions(command).length === 0;
  return isGroup ? subcommands : [page(command, name), ...subcommands];
}

function page(command: Command, name: string): string {
  const help = command.createHelp();
  const words = command.registeredArguments.map(
    (argument) =>
      `${argument.required ? '<' : '['}${argument.name()}${argument.variadic ? '...' : ''}${argument.required ? '>' : ']'}`,
  );
  const options = ownOptions(command).length > 0 ? ['[options]'] : [];
  const rows = [
    ...help.visibleArguments(command).map((argument) => [`\`${argument.name()}\``, help.argumentDescription(argument)]),
    ...ownOptions(command).map((option) => [`\`${option.flags}\``, help.optionDescription(option)]),
  ];
  const examples = examplesOf(command).map(({ what, line }) => `# ${what}\n${line}`);
  return [
    `### ${name}`,
    `${command.description()}.`,
    `\`\`\`\n${[name, ...options, ...words].join(' ')}\n\`\`\``,
    ...(rows.length === 0 ? [] : [table(rows)]),
    ...(examples.length === 0 ? [] : [`\`\`\`sh\n${examples.join('\n')}\n\`\`\``]),
  ].join('\n\n');
}

function ownOptions(command: Command) {
  return command.options.filter((option) => !option.hidden && option.helpGroupHeading !== 'Shared options:');
}

function sharedOptions(shell: Command): string {
  return table(
    shell.options
      .filter(({ long }) => long !== '--help' && long !== '--version')
      .map(({ flags, description }) => [`\`${flags}\``, description]),
  );
}

function olderTask(task: Command): string {
  const [words] = task.registeredArguments;
  return [
    '### task, in the older spelling',
    `\`task\` followed by a worker or an image submits:`,
    `\`\`\`\ntask ${words?.description.replace('or, in the older spelling: ', '')}\n\`\`\``,
  ].join('\n\n');
}

function exitCodes(): string {
  return table(Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning]));
}

function table(rows: readonly (readonly string[])[]): string {
  const cell = (text: string) =>
    text
      .replaceAll('|', '\\|')
      .replaceAll('<', '&lt;')
      .replace(/`([^`]*)`/g, (code) => code.replaceAll('&lt;', '<'));
  return ['| | |', '| --- | --- |', ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`)].join('\n');
}

function find(program: Command, name: string): Command {
  const found = program.commands.find((command) => command.name() === name);
  if (found === undefined) throw new Error(`there is no command ${name}`);
  return found;
}

function programFor(isPrompt: boolean): Promise<Command> {
  return createProgram(new Cli({ out: new Output(process, { NO_COLOR: '1' }), env: ENV, isPrompt }), 'all');
}

if (import.meta.main) process.stdout.write(await commandsMarkdown());
