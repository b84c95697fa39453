import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { COMMANDS } from './commands/index.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { commandsMarkdown } from './reference.ts';
import { runHere } from './testing/run.ts';

const PAGE = path.resolve(import.meta.dirname, '../../../docs/reference/commands.md');

test('the reference of commands is up to date', async () => {
  const made = await commandsMarkdown();
  expect(fs.readFileSync(PAGE, 'utf8'), 'node packages/cli/src/reference.ts > docs/reference/commands.md').toBe(made);
  expect(made, 'no folder of this machine').not.toMatch(/\/(?:root|home|tmp)\//);
});

const SHELL = COMMANDS.filter(({ only, hidden }) => only !== 'prompt' && hidden !== true);

test('help names every command, in a shell and at the prompt', async () => {
  const { code, stdout } = await runHere(['--help']);
  expect(code).toBe(0);
  for (const { name, summary } of SHELL)
    expect(stdout).toMatch(new RegExp(`^ {2}${name} .*${summary.slice(0, 20)}`, 'm'));
  const atPrompt = await runHere(['help'], { isPrompt: true });
  for (const name of ['task', 'list', 'stats', 'register', 'exit']) expect(atPrompt.stdout).toContain(`\n  ${name}`);
  for (const name of ['dev', 'master', 'init']) expect(atPrompt.stdout).not.toContain(`\n  ${name} `);
});

test('nothing on the command line is a question for help', async () => {
  expect(await runHere([])).toEqual(await runHere(['--help']));
});

test.each(SHELL.map(({ name }) => name))(
  '%s --help says what it does, with examples, as help %s does',
  async (name) => {
    const { code, stdout, stderr } = await runHere([name, '--help']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: cloudai /);
    expect((await runHere(['help', name])).stdout).toBe(stdout);
    const subcommands = [...stdout.matchAll(/^ {2}(\w+)(?:\|\w+)? .*$/gm)].map(([, word = '']) => word);
    const hasExample = /Examples:\n {2}# .+\n {2}(?:\S+ \| )?.*cloudai/.test(stdout);
    const group = ['task', 'artifacts', 'scheduler', 'history', 'sim', 'namespace', 'user', 'token', 'config'].includes(
      name,
    );
    expect(hasExample || group).toBe(true);
    if (!group) return;
    for (const word of subcommands.filter((each) => each !== 'help')) {
      const sub = await runHere([name, word, '--help']);
      expect(sub.stdout, `${name} ${word}`).toMatch(/Examples:\n {2}# /);
    }
  },
);

test('every exit code means one thing', () => {
  const codes = Object.values(EXIT_CODES).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
});
