import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { configure as attempts } from './task/attempts.ts';
import { configure as cancel } from './task/cancel.ts';
import { configure as efficiency } from './task/efficiency.ts';
import { configure as events } from './task/events.ts';
import { configure as explain } from './task/explain.ts';
import { configure as older } from './task/older.ts';
import { configure as priority } from './task/priority.ts';
import { configure as retry } from './task/retry.ts';
import { configure as show } from './task/show.ts';

export function configure(command: Command, cli: Cli): void {
  show(command.command('show').description('All about one task'), cli);
  explain(command.command('explain').description('Why a task waits, per worker, and what would change it'), cli);
  cancel(command.command('cancel').description('Cancel tasks'), cli);
  retry(command.command('retry').description('Submit ended tasks again, as new ones'), cli);
  attempts(command.command('attempts').description('Every try of a task: where, how long, how it ended'), cli);
  events(command.command('events').description('The timeline of a task'), cli);
  efficiency(command.command('efficiency').description('What a task used of what it asked for'), cli);
  priority(command.command('priority').description('Change the priority of a waiting task'), cli);
  older(command, cli);
}
