/** A master in memory for each test of a file, and command lines that speak to it. */
import { MemoryMaster } from '@cloudai/sdk/testing';
import { afterEach, beforeEach, expect } from 'vitest';
import { envOf, type Ran, type RunOptions, runHere } from './run.ts';

export interface WithMaster {
  readonly master: MemoryMaster;
  run(line: string | readonly string[], options?: RunOptions): Promise<Ran>;
  /** The answer to a line that has to succeed, with `--json` added. */
  json(line: string): Promise<unknown>;
}

export function withMaster(): WithMaster {
  let master: MemoryMaster | null = null;
  beforeEach(async () => {
    master = await MemoryMaster.start();
  });
  afterEach(() => master?.close());
  const found = {
    get master(): MemoryMaster {
      if (master === null) throw new Error('only inside of a test');
      return master;
    },
    run(line: string | readonly string[], options: RunOptions = {}): Promise<Ran> {
      const args = typeof line === 'string' ? line.split(' ') : line;
      return runHere(args, { ...options, env: { ...envOf(found.master), ...options.env } });
    },
    async json(line: string): Promise<unknown> {
      const { code, stdout, stderr } = await found.run(line.includes('--json') ? line : `${line} --json`);
      expect([code, stderr]).toEqual([0, '']);
      return JSON.parse(stdout);
    },
  };
  return found;
}
