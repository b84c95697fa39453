import fs from 'node:fs';
import path from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Cli } from '../cli.ts';
import { CliError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { listOf, wholeNumber } from '../option-values.ts';
import { progressBar } from '../output/progress-bar.ts';

const TRACES = 'folder with recorded workloads (CLOUDAI_TRACES)';

export function configure(command: Command, cli: Cli): void {
  configureCompare(command, cli);
  configurePacking(command, cli);
  configureBatch(command, cli);
}

function configureCompare(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('compare')
      .description('Replay a workload through every scheduler and set them side by side')
      .option(
        '--workload <what>',
        'made, swf:NAME, openb:LIST, philly, gavel:NAME, or history:FILE as `cloudai history export` writes it',
        'made',
      )
      .option('--traces <folder>', TRACES)
      .option('--take <number>', 'of a recorded workload: only so many jobs', wholeNumber)
      .option('--nodes <list>', 'openb: small, gpu_node or all_node', 'small')
      .option('--from <second>', 'openb: pods created from this second on', wholeNumber, 9_936_000)
      .option('--jobs <number>', 'tasks that are submitted', wholeNumber, 100)
      .option('--workers <number>', 'machines, of five kinds in turn', wholeNumber, 5)
      .option('--users <number>', 'users that submit them', wholeNumber, 4)
      .option(
        '--load <percent>',
        'made: what arrives, in percent of what the machines can do (250); recorded: speed of arrivals (100)',
        wholeNumber,
      )
      .option('--burst <number>', 'near-equal tasks that a user submits at once', wholeNumber, 3)
      .option('--daily', 'quiet nights')
      .option('--outages <number>', 'workers that go and come back meanwhile, with realistic timing', wholeNumber, 0)
      .option('--seed <number>', 'the same seed gives the same report to the byte', wholeNumber, 1)
      .option('--schedulers <names>', 'only these, separated by commas, as best-fit or best-fit/saf/easy', listOf)
      .option('--starvation <hours>', 'who waits longer goes first; 0: nobody does (24 unless set)', wholeNumber)
      .addOption(
        new Option('--timing <kind>', 'delays of a real cluster').choices(['realistic', 'ideal']).default('realistic'),
      )
      .option('--csv <file>', 'write the figures as CSV')
      .option('--html <file>', 'write a report with charts: one file that opens anywhere')
      .option('--logs <folder>', 'write there what every scheduler decided')
      .action((options: CompareFlags) => compare(cli, options)),
    { what: 'a hundred tasks on five workers', line: 'cloudai sim compare --html report.html --csv figures.csv' },
    {
      what: 'what this cluster has run of late',
      line: 'cloudai history export week.ndjson --since -7d && cloudai sim compare --workload history:week.ndjson',
    },
    {
      what: 'two schedulers under heavy load',
      line: 'cloudai sim compare --jobs 2000 --workers 20 --load 150 --schedulers round-robin,balanced',
    },
  );
}

function configurePacking(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('packing')
      .description('Pack recorded GPU pods by placement policies, as in the published experiments')
      .option('--traces <folder>', TRACES)
      .option('--lists <names>', 'pod lists, separated by commas; all ten unless named', listOf)
      .option('--policies <names>', 'placement policies, separated by commas', listOf)
      .option('--seeds <numbers>', 'orders of arrival, as 42-51 or 42,43', seedRange, seedRange('42-51'))
      .option('--logs <folder>', 'write the decision log of every list and policy there')
      .option('--csv <file>', 'write the figures as CSV')
      .option('--html <file>', 'write a report with charts')
      .action((options: PackingFlags) => packing(cli, options)),
    {
      what: 'the published policies on the list as it was recorded',
      line: 'cloudai sim packing --traces traces --lists default --html packing.html',
    },
  );
}

function configureBatch(command: Command, cli: Cli): void {
  addExamples(
    command
      .command('batch')
      .description('Order the queue of a recorded batch machine, by published rules or with the production engine')
      .option('--traces <folder>', TRACES)
      .option('--logs <names>', 'logs, separated by commas', (text: string) => listOf(text), ['lublin-1', 'lublin-2'])
      .option('--orders <names>', 'orders of the queue, separated by commas', listOf)
      .addOption(
        new Option('--rules <rules>', "those of RLScheduler's environment, or the engine's own")
          .choices(['rls', 'free'])
          .default('free'),
      )
      .option('--backfill', 'jobs that put nobody off may go ahead')
      .option('--whole', 'the whole log instead of the ten published sequences')
      .option('--starvation <hours>', 'with the engine: nobody waits longer before going first', wholeNumber)
      .option('--out <folder>', 'write the decision log of every log and order there')
      .option('--csv <file>', 'write the figures of every sequence as CSV')
      .action((options: BatchFlags) => batch(cli, options)),
    {
      what: 'the published table',
      line: 'cloudai sim batch --traces traces --rules rls && cloudai sim batch --traces traces --rules rls --backfill',
    },
    {
      what: 'the same sequences with the engine',
      line: 'cloudai sim batch --traces traces --orders saf,f1 --backfill',
    },
  );
}

interface BatchFlags {
  readonly traces?: string;
  readonly logs: readonly string[];
  readonly orders?: readonly string[];
  readonly rules: 'rls' | 'free';
  readonly backfill?: boolean;
  readonly whole?: boolean;
  readonly starvation?: number;
  readonly out?: string;
  readonly csv?: string;
}

async function batch(cli: Cli, flags: BatchFlags): Promise<void> {
  const sim = await import('@cloudai/sim');
  const { logs, rules, starvation, out } = flags;
  const bar = progressBar(cli.out);
  if (out !== undefined) fs.mkdirSync(out, { recursive: true });
  const mode = `${rules}${flags.backfill === true ? '-backfill' : ''}`;
  const result = await said(async () =>
    sim.batchSuite({
      traces: sim.TraceFolder.open(flags.traces ?? cli.env.CLOUDAI_TRACES),
      ...{ logs, rules, orders: flags.orders ?? sim.BATCH_ORDERS },
      ...{ backfill: flags.backfill === true, whole: flags.whole === true },
      starvationSeconds: starvation === undefined ? null : starvation * 3_600,
      ...(out === undefined
        ? {}
        : {
            onLog: (log, order, text) => fs.writeFileSync(path.join(out, `batch-${log}-${order}-${mode}.csv`), text),
          }),
      onProgress: (what, share) => {
        cli.signal.throwIfAborted();
        bar.show(what, share);
      },
    }),
  ).finally(() => bar.clear());
  if (cli.json) cli.out.json(result.results);
  else cli.out.print(result.table);
  writeResult(cli, flags.csv, result.csv);
}

/** Those with published figures. */
const PUBLISHED = ['dot-product', 'gpu-clustering', 'gpu-packing', 'best-fit', 'fgd'];

interface PackingFlags {
  readonly traces?: string;
  readonly lists?: readonly string[];
  readonly policies?: readonly string[];
  readonly seeds: readonly number[];
  readonly logs?: string;
  readonly csv?: string;
  readonly html?: string;
}

async function packing(cli: Cli, flags: PackingFlags): Promise<void> {
  const sim = await import('@cloudai/sim');
  const bar = progressBar(cli.out);
  const { seeds, logs } = flags;
  if (logs !== undefined) fs.mkdirSync(logs, { recursive: true });
  const result = await said(async () =>
    sim.packingSuite({
      traces: sim.TraceFolder.open(flags.traces ?? cli.env.CLOUDAI_TRACES),
      lists: flags.lists ?? sim.OPENB_LISTS,
      policies: flags.policies ?? PUBLISHED,
      seeds,
      ...(logs === undefined
        ? {}
        : {
            onRun: ({ seed, policy }, list, log) => {
              const file = path.join(logs, `packing-${list}-${policy}.csv`);
              if (seed === seeds[0]) fs.writeFileSync(file, `# list ${list}, policy ${policy}\n${log}`);
              else fs.appendFileSync(file, log.slice(log.indexOf('\n') + 1));
            },
          }),
      onProgress: (what, share) => {
        cli.signal.throwIfAborted();
        bar.show(what, share);
      },
    }),
  ).finally(() => bar.clear());
  if (cli.json) cli.out.json(result.results);
  else cli.out.print(result.table);
  writeResult(cli, flags.csv, result.csv);
  writeResult(cli, flags.html, result.html);
}

function seedRange(text: string): readonly number[] {
  return listOf(text).flatMap((part) => {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (match === null || to < from || to - from >= 1_000)
      throw new InvalidArgumentError('Seeds are expected, as 42-51 or 42,43.');
    return Array.from({ length: to - from + 1 }, (_, n) => from + n);
  });
}

interface CompareFlags {
  readonly starvation?: number;
  readonly outages: number;
  readonly jobs: number;
  readonly workers: number;
  readonly users: number;
  readonly load?: number;
  readonly burst: number;
  readonly workload: string;
  readonly traces?: string;
  readonly take?: number;
  readonly nodes: string;
  readonly from: number;
  readonly logs?: string;
  readonly daily?: boolean;
  readonly seed: number;
  readonly schedulers?: readonly string[];
  readonly timing: 'realistic' | 'ideal';
  readonly csv?: string;
  readonly html?: string;
}

async function compare(cli: Cli, flags: CompareFlags): Promise<void> {
  const sim = await import('@cloudai/sim');
  const { seed, schedulers, timing, logs, starvation } = flags;
  const bar = progressBar(cli.out);
  if (flags.outages > 0 && timing === 'ideal')
    throw new CliError('usage', '--outages needs --timing realistic: without heartbeats nobody is missed.');
  const result = await said(async () => {
    const workload = await workloadOf(cli, flags);
    return sim.compare({
      workload,
      outages: sim.madeOutages(workload, flags.outages, seed),
      ...(schedulers === undefined ? {} : { schedulers }),
      ...(starvation === undefined ? {} : { starvationMs: starvation === 0 ? null : starvation * 3_600_000 }),
      seed,
      timing,
      clock: () => performance.now(),
      onProgress: (what, share) => {
        cli.signal.throwIfAborted();
        bar.show(what, share);
      },
    });
  }).finally(() => bar.clear());
  if (cli.json) cli.out.json(result.figures);
  else cli.out.print(result.table);
  for (const warning of result.warnings) cli.out.note(warning);
  writeResult(cli, flags.csv, result.csv);
  writeResult(cli, flags.html, result.html);
  if (logs === undefined) return;
  fs.mkdirSync(logs, { recursive: true });
  for (const one of result.replays)
    writeResult(cli, path.join(logs, `timeline-${one.scheduler.replaceAll('/', '-')}.csv`), sim.timelineLog(one));
}

async function workloadOf(cli: Cli, flags: CompareFlags) {
  const { recordedWorkload, SYNTHETIC, synthetic, TraceFolder } = await import('@cloudai/sim');
  const { seed, jobs, workers, users, burst, load, daily, take, nodes, from } = flags;
  for (const [name, value] of Object.entries({ jobs, workers, users, burst, load, take }))
    if (value !== undefined && value < 1) throw new CliError('usage', `--${name} has to be at least 1.`);
  if (flags.workload === 'made')
    return synthetic({
      ...{ ...SYNTHETIC, seed, jobs, workers, users, burst, daily: daily === true },
      load: load === undefined ? SYNTHETIC.load : load / 100,
    });
  return recordedWorkload({
    what: flags.workload,
    load: (load ?? 100) / 100,
    take: take ?? null,
    nodes,
    from,
    traces: () => TraceFolder.open(flags.traces ?? cli.env.CLOUDAI_TRACES),
  });
}

function writeResult(cli: Cli, file: string | undefined, text: string): void {
  if (file === undefined) return;
  try {
    fs.writeFileSync(file, text);
  } catch (error) {
    throw new CliError('usage', `${file} can not be written: ${(error as Error).message}`, null, { cause: error });
  }
  cli.out.note(`Wrote ${file}.`);
}

/** What the simulator refuses is somebody's mistake, not a defect. */
async function said<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && error.name === 'TraceError'))
      throw new CliError('usage', error.message, null, { cause: error });
    throw error;
  }
}
