import type { Cli } from '../cli.ts';
import { candidatesFor } from '../completion/candidates.ts';
import type { Completer } from './line-reader.ts';

/** The same candidates as in a shell. */
export function createCompleter(newCli: () => Cli): Completer {
  return async (line) => {
    const words = line.trimStart().split(/\s+/);
    const last = words.at(-1) ?? '';
    const candidates = (await candidatesFor(newCli(), words)).map(({ word }) => word);
    return [candidates.map((word) => `${word} `), last];
  };
}
