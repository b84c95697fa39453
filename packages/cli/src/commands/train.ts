import fs from 'node:fs';
import path from 'node:path';
import { type Command, Option } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { listOf, wholeNumber } from '../option-values.ts';
import { progressBar } from '../output/progress-bar.ts';

/** Different in what they are about, so that a model for one of them alone does not get far. */
const LISTS = {
  placement: ['default', 'cpu250', 'gpushare100', 'gpuspec33', 'multigpu50'],
  order: ['lublin-1', 'lublin-2', 'kth-sp2-early', 'hpc2n-head', 'sdsc-sp2-early'],
};

export function configure(command: Command, cli: Cli): void {
  command
    .description('Train the learned policies on recorded workloads; goes on where it was stopped')
    .addOption(
      new Option('--what <policy>', 'where tasks go, or which is next')
        .choices(['placement', 'order'])
        .default('placement'),
    )
    .option('--traces <folder>', 'folder with recorded workloads (CLOUDAI_TRACES)')
    .option('--lists <names>', 'pod lists or logs to train on, separated by commas; five different ones', listOf)
    .option('--hours <number>', 'for so long at most', hours, 1)
    .option('--generations <number>', 'so many at most', wholeNumber, 100_000)
    .option('--seed <number>', 'the same seed and generations give the same weights', wholeNumber, 1)
    .option('--scale <number>', 'placement: train on every so many-th node', wholeNumber, 8)
    .option('--threads <number>', 'threads that evaluate', wholeNumber, 2)
    .option('--state <file>', 'where training stands; it goes on from there', 'training.json')
    .option('--out <file>', 'write the weights and their card there', 'model.json')
    .option('--html <file>', 'write the learning curves')
    .action((options: TrainFlags) => train(cli, options));
  addExamples(command, {
    what: 'for two hours; the same line goes on after that',
    line: 'cloudai train --traces traces --hours 2 --seed 1 --out placement.json --html curves.html',
  });
}

interface TrainFlags {
  readonly traces?: string;
  readonly what: 'placement' | 'order';
  readonly lists?: readonly string[];
  readonly hours: number;
  readonly generations: number;
  readonly seed: number;
  readonly scale: number;
  readonly threads: number;
  readonly state: string;
  readonly out: string;
  readonly html?: string;
}

async function train(cli: Cli, flags: TrainFlags): Promise<void> {
  const sim = await import('@cloudai/sim');
  const { what, seed, scale, threads, generations } = flags;
  const lists = flags.lists ?? LISTS[what];
  for (const [name, value] of Object.entries({ scale, threads, generations }))
    if (value < 1) throw new CliError('usage', `--${name} has to be at least 1.`);
  const bar = progressBar(cli.out);
  const begun = performance.now();
  try {
    const { state, trained } = await sim.train({
      traces: flags.traces ?? cli.env.CLOUDAI_TRACES,
      ...{ what, lists, seed, scale, threads, generations },
      hours: flags.hours,
      stateFile: flags.state,
      clock: () => performance.now(),
      signal: cli.signal,
      onGeneration: ({ generation, mean, best }) => {
        const byTime = (performance.now() - begun) / (flags.hours * 3_600_000);
        bar.show(
          `generation ${generation}: samples ${mean.toFixed(2)}, best ${best.toFixed(2)}`,
          Math.max(byTime, generation / generations),
        );
      },
    });
    bar.clear();
    writeFile(flags.out, `${JSON.stringify(trained, null, 2)}\n`);
    if (flags.html !== undefined) writeFile(flags.html, sim.trainingPage(state));
    if (cli.json) cli.out.json(trained);
    else {
      cli.out.print(`Best of ${state.evolution.generation} generations: ${trained.card.generations}.`);
      for (const [list, gain] of Object.entries(trained.card.gains))
        cli.out.print(`  ${list.padEnd(16)} ${gainText(what, gain)}`);
      cli.out.print(`Wrote ${path.normalize(flags.out)}.`);
    }
  } catch (error) {
    bar.clear();
    if (error instanceof Error && error.name === 'TraceError')
      throw new CliError('usage', error.message, null, { cause: error });
    throw error;
  }
}

function gainText(what: TrainFlags['what'], gain: number): string {
  if (what === 'placement') return `${gain >= 0 ? '+' : ''}${gain.toFixed(2)} points over fgd`;
  return `${Math.exp(-gain).toFixed(2)} of the slowdown of the best heuristic`;
}

function writeFile(file: string, text: string): void {
  try {
    fs.writeFileSync(file, text);
  } catch (error) {
    throw new CliError('usage', `${file} can not be written: ${(error as Error).message}`, null, { cause: error });
  }
}

function hours(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1_000)) throw new CliError('usage', 'Hours are expected, such as 0.5 or 12.');
  return value;
}
