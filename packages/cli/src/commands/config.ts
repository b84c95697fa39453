import fs from 'node:fs';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { CONTEXT_KEYS, type ContextFile, contextPath, readContextFile, writeContextFile } from '../context-file.ts';
import { usageError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { printFields } from '../output/fields.ts';

export function configure(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('show')
      .description('What the commands use, after flags, environment and file')
      .action(() => show(cli)),
    { what: 'the secret part of the token is left out', line: 'cloudai config show' },
  );
  addExamples(
    command
      .command('path')
      .description('Where the file is')
      .action(() => cli.out.print(contextPath(cli.env))),
    { what: 'look at it', line: 'cat "$(cloudai config path)"' },
  );
  addExamples(
    command
      .command('set')
      .description('Change the file; without a value the field is emptied')
      .argument('<field>', CONTEXT_KEYS.join(', '))
      .argument('[value]', 'the value; for ca a file in PEM; - reads it from standard input')
      .action((field: string, value: string | undefined) => set(cli, field, value)),
    { what: 'another cluster', line: 'cloudai config set url https://cloudai.example.org:8080' },
    { what: 'a token, kept out of the history of the shell', line: 'cloudai config set token -' },
  );
}

async function show(cli: Cli): Promise<void> {
  const { url, token, ca, namespace } = await cli.context();
  const hidden = token === null ? null : hide(token);
  if (cli.json) return cli.out.json({ path: contextPath(cli.env), url, token: hidden, ca, namespace });
  printFields(cli.out, [
    ['File', contextPath(cli.env)],
    ['Address', url],
    ['Token', hidden ?? 'none'],
    ['Certificate', ca === null ? null : 'of the cluster'],
    ['Namespace', namespace ?? 'as the master chooses'],
  ]);
}

/** The id says which token it is; the rest is the secret. */
function hide(token: string): string {
  const id = /^cai_[^_]+/.exec(token);
  return id === null ? '...' : `${id[0]}_...`;
}

async function set(cli: Cli, field: string, value: string | undefined): Promise<void> {
  const key = CONTEXT_KEYS.find((known) => known === field);
  if (key === undefined)
    throw usageError(`${field} is not a field of the context`, `It has ${CONTEXT_KEYS.join(', ')}.`);
  const before = await readContextFile(cli.env);
  if (key === 'url' && value === undefined) throw usageError('the url cannot be empty');
  if (key !== 'url' && before === null) {
    throw usageError(`${contextPath(cli.env)} does not exist yet`, 'Begin with `cloudai config set url URL`.');
  }
  const empty: ContextFile = { url: '', token: null, ca: null, namespace: null };
  const file = await writeContextFile(cli.env, { ...empty, ...before, [key]: readValue(key, value) });
  if (!cli.quiet) cli.out.note(`${key} is set in ${file}`);
}

function readValue(key: (typeof CONTEXT_KEYS)[number], value: string | undefined): string | null {
  if (value === undefined) return null;
  try {
    if (value === '-') return fs.readFileSync(0, 'utf8').trim();
    return key === 'ca' ? fs.readFileSync(value, 'utf8') : value;
  } catch (error) {
    throw usageError(`cannot read ${value}: ${(error as Error).message}`);
  }
}
