import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { sendOlder } from '../send-older.ts';

/** The older way to place a task by hand; `submit --worker` does the same. */
export function configure(command: Command, cli: Cli): void {
  command
    .argument('<worker>', 'id of the worker')
    .argument('<image>', 'image to run')
    .argument('[options...]', '-cpu_cores n, -mem gb, -storage gb, -gpu_cores n, -cmd line')
    .allowUnknownOption()
    .passThroughOptions()
    .action((worker: string, image: string, words: string[]) => sendOlder(cli, [worker, image, ...words], true));
}
