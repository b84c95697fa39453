/** The `master>` prompt: the commands of `cloudai` without the word `cloudai`, and the older spellings. */
import path from 'node:path';
import { Cli } from '../cli.ts';
import { type ContextFile, stateDir } from '../context-file.ts';
import { presentError } from '../errors.ts';
import { PagedOutput } from '../output/paged-output.ts';
import { runCommandLine } from '../program.ts';
import { createCompleter } from './completer.ts';
import { History } from './history.ts';
import { LineReader } from './line-reader.ts';
import { splitWords } from './words.ts';

export interface PromptOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Of the cluster, where it is known better than from the context file. */
  readonly context: ContextFile | null;
  /** Ends the prompt from outside. */
  readonly signal: AbortSignal;
}

const LEAVE = new Set(['exit', 'quit']);

/** Reads and runs commands until `exit`, `quit` or the end of the input. An error never ends it. */
export async function runPrompt({ env, context, signal }: PromptOptions): Promise<void> {
  const history = new History(path.join(stateDir(env), 'history'));
  const newCli = () =>
    new Cli({
      out: new PagedOutput(process, env),
      env,
      isPrompt: true,
      ...(context === null ? {} : { context }),
    });
  const reader = new LineReader({
    input: process.stdin,
    output: process.stdout,
    history: () => history.newestFirst,
    completer: createCompleter(newCli),
  });
  const ended = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
  while (!signal.aborted) {
    const line = await Promise.race([reader.next('master> '), ended]);
    if (line === null) break;
    if (LEAVE.has(line.trim())) break;
    history.add(line);
    await runLine(newCli(), line);
  }
  reader.close();
}

async function runLine(cli: Cli, line: string): Promise<void> {
  const interrupt = () => cli.interrupt('SIGINT');
  process.on('SIGINT', interrupt);
  try {
    const words = splitWords(line);
    if (words.length > 0) await runCommandLine(cli, words);
  } catch (error) {
    presentError(error, cli.out, false);
  } finally {
    process.off('SIGINT', interrupt);
    await (cli.out as PagedOutput).finish(process.stdin);
  }
}
