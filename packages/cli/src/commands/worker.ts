import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { configure as drain } from './worker/drain.ts';
import { configure as label } from './worker/label.ts';
import { configure as show } from './worker/show.ts';

export function configure(command: Command, cli: Cli): void {
  show(command.command('show').description('All about one worker'), cli);
  drain(command.command('drain').description('Give a worker no new tasks, or end that'), cli);
  label(command.command('label').description('Set or remove labels of a worker'), cli);
}
