import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { addExamples } from '../examples.ts';
import { showLive } from '../live.ts';
import { box } from '../output/box.ts';
import { statsLines } from '../worker-text.ts';

export function configure(command: Command, cli: Cli): void {
  command
    .argument('<worker>', 'id of the worker')
    .option('-w, --watch', 'draw anew every two seconds until a key is pressed; the prompt does so by itself')
    .option('--once', 'print once, also at the prompt')
    .action((id: string, options: { watch?: boolean; once?: boolean }) => stats(cli, id, options));
  addExamples(command, { what: 'live', line: 'cloudai stats --watch worker-1' });
}

async function stats(cli: Cli, id: string, options: { watch?: boolean; once?: boolean }): Promise<void> {
  const client = await cli.client();
  const draw = async (signal: AbortSignal) => {
    const worker = await client.getWorker(id, { signal });
    return box(`Worker ${worker.id}`, statsLines(cli.out, worker, Date.now()), cli.out.width);
  };
  const live =
    (options.watch === true || cli.isPrompt) && options.once !== true && cli.out.isTerminal && !cli.json && !cli.quiet;
  if (live) await showLive(cli, draw);
  else if (cli.json) cli.out.json(await client.getWorker(id, { signal: cli.signal }));
  else if (cli.quiet) cli.out.print((await client.getWorker(id, { signal: cli.signal })).id);
  else for (const line of await draw(cli.signal)) cli.out.print(line);
  client.close();
}
