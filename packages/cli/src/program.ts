import { Command, Option } from 'commander';
import type { Cli } from './cli.ts';
import { COMMANDS } from './commands/index.ts';
import { presentError } from './errors.ts';
import { VERSION } from './version.ts';

/** Runs one command line and answers the exit code. Never rejects. */
export async function runCommandLine(cli: Cli, argv: readonly string[]): Promise<number> {
  try {
    const program = await createProgram(cli, wantedCommand(argv));
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
    return cli.exitCode;
  } catch (error) {
    return presentError(error, cli.out, cli.json || argv.includes('--json'));
  }
}

/** The program with one command whole and the others by name only; `all` loads every one, for help and documents. */
export async function createProgram(cli: Cli, wanted: string | null | 'all'): Promise<Command> {
  const program = new Command(cli.isPrompt ? 'master>' : 'cloudai')
    .description('Runs container tasks on a cluster of workers under one master.')
    .version(`cloudai ${VERSION}`, '-V, --version', 'print the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => cli.out.print(text.replace(/\n$/, '')),
      writeErr: (text) => cli.out.error(text),
      getOutHelpWidth: () => cli.out.width ?? 100,
      getErrHelpWidth: () => cli.out.width ?? 100,
      getOutHasColors: () => cli.out.colors.isColorSupported,
      getErrHasColors: () => cli.out.colors.isColorSupported,
    })
    .enablePositionalOptions()
    .showHelpAfterError('(see --help)')
    .addHelpCommand(
      new Command('help').argument('[command]').description('Show what a command does').helpGroup('Other:'),
    );
  addSharedOptions(program, true);
  program.hook('preAction', (_, command) => {
    cli.shared = command.optsWithGlobals();
  });
  for (const entry of COMMANDS) {
    if (entry.only !== undefined && entry.only !== (cli.isPrompt ? 'prompt' : 'shell')) continue;
    program.commandsGroup(`${entry.group}:`);
    const command = program.command(entry.name, { hidden: entry.hidden === true }).description(entry.summary);
    for (const alias of entry.aliases ?? []) command.alias(alias);
    if (wanted === 'all' || wanted === entry.name || entry.aliases?.includes(wanted ?? '') === true) {
      const configure = await entry.load();
      configure(command, cli);
      if (entry.local !== true) addSharedOptions(command);
    }
  }
  return program;
}

/** The first word that is no option and no value of one: the command, or what `help` is asked about. */
export function wantedCommand(argv: readonly string[]): string | null {
  const words: string[] = [];
  for (let index = 0; index < argv.length && words.length < 2; index++) {
    const word = argv[index] ?? '';
    if (VALUE_OPTIONS.has(word)) index++;
    else if (!word.startsWith('-')) words.push(word);
  }
  return (words[0] === 'help' ? words[1] : words[0]) ?? null;
}

/** Options of every command that speaks to the master. They may also stand before its name. */
const SHARED: readonly (readonly [flags: string, description: string])[] = [
  ['--url <url>', 'address of the master'],
  ['--token <token>', 'bearer token'],
  ['-n, --namespace <name>', 'namespace'],
  ['--json', 'answer as JSON, in the shapes of the API'],
  ['-q, --quiet', 'ids only'],
];
const VALUE_OPTIONS = new Set(['--url', '--token', '-n', '--namespace']);

function addSharedOptions(command: Command, hidden = false): void {
  command.optionsGroup('Shared options:');
  for (const [flags, description] of SHARED) command.addOption(new Option(flags, description).hideHelp(hidden));
  for (const subcommand of command.commands) addSharedOptions(subcommand);
}
