import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { makeDataFolder } from '../data-folder.ts';
import { CliError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { toCliError } from '../process-errors.ts';
import { endWhenAsked } from '../process-life.ts';
import { VERSION } from '../version.ts';
import { configure as drain } from './worker/drain.ts';
import { configure as label } from './worker/label.ts';
import { configure as show } from './worker/show.ts';

interface Options {
  readonly master?: string;
  readonly join?: string;
  readonly id?: string;
  readonly data?: string;
  readonly config?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly storage?: string;
  readonly gpu?: string;
  readonly custom?: string;
  readonly labels?: string;
  readonly metrics?: string;
  readonly docker?: string;
}

export function configure(command: Command, cli: Cli): void {
  show(command.command('show').description('All about one worker'), cli);
  drain(command.command('drain').description('Give a worker no new tasks, or end that'), cli);
  label(command.command('label').description('Set or remove labels of a worker'), cli);
  // At the prompt of a master nobody means to start a worker inside of it.
  if (cli.isPrompt) return;
  command
    .option('--master <host:port>', 'where the master listens for workers; kept for the next start')
    .option('--join <token>', 'join token that `cloudai register` printed; only for the first start')
    .option('--id <id>', 'refuse to start as another worker than this one')
    .option('--data <folder>', 'data directory of this worker')
    .option('--config <file>', 'settings in YAML (config.yaml in the data directory)')
    .option('--cpu <quantity>', 'CPU to offer (all of the machine)')
    .option('--memory <quantity>', 'memory to offer (all of the machine)')
    .option('--storage <quantity>', 'storage to offer (the disk of the data directory)')
    .option('--gpu <count>', 'GPUs to offer (all that are found)')
    .option('--custom <names=counts>', 'further resources to offer: licence=2,fpga=1')
    .option('--labels <keys=values>', 'labels to report: zone=north,disk=ssd')
    .option('--metrics <host:port>', 'show metrics for Prometheus: 127.0.0.1:9101')
    .option('--docker <address>', 'address of Docker (DOCKER_HOST, or the socket of this machine)')
    .action((options: Options) => worker(cli, options));
  addExamples(
    command,
    {
      what: 'the first start, as `cloudai register` printed it',
      line: 'cloudai worker --master 10.0.0.1:50051 --join CAIJ1...',
    },
    { what: 'every further one', line: 'cloudai worker' },
  );
}

async function worker(cli: Cli, options: Options): Promise<void> {
  const onStop = endWhenAsked(cli);
  const { runWorker } = await import('@cloudai/worker');
  const { loadWorkerConfig } = await import('@cloudai/master/config');
  try {
    const { values } = await loadWorkerConfig({
      env: cli.env,
      ...(options.config === undefined ? {} : { file: options.config }),
      flags: {
        'worker.data': options.data,
        'worker.master': options.master,
        'worker.join': options.join,
        'worker.id': options.id,
        'worker.cpu': options.cpu,
        'worker.memory': options.memory,
        'worker.storage': options.storage,
        'worker.gpus': options.gpu,
        'worker.custom': options.custom,
        'worker.labels': options.labels,
        'worker.metrics': options.metrics,
        'worker.docker': options.docker,
      },
    });
    const dataDirectory = values['worker.data'];
    makeDataFolder(dataDirectory);
    const master = values['worker.master'] ?? rememberedMaster(dataDirectory);
    const running = await runWorker({
      master,
      dataDirectory,
      version: VERSION,
      id: values['worker.id'] ?? undefined,
      join: values['worker.join'] ?? undefined,
      capacity: {
        cpuMillis: values['worker.cpu'] ?? undefined,
        memoryBytes: values['worker.memory'] ?? undefined,
        storageBytes: values['worker.storage'] ?? undefined,
        gpus: values['worker.gpus'] ?? undefined,
        custom: values['worker.custom'] ?? undefined,
      },
      labels: values['worker.labels'] ?? {},
      dockerHost: values['worker.docker'] ?? undefined,
      registryAuth: values['worker.registryAuth'] ?? undefined,
      metrics:
        values['worker.metrics'] === null
          ? undefined
          : { listen: values['worker.metrics'], token: values['worker.metricsToken'] },
      tracesEndpoint: values['traces.endpoint'] ?? undefined,
      logLevel: values['log.level'],
    });
    fs.writeFileSync(masterFile(dataDirectory), `${master}\n`, { mode: 0o600 });
    cli.out.print(`cloudai worker ${running.workerId} of cluster ${running.clusterId}, master ${master}`);
    onStop(() => void running.stop());
    const end = await running.ended;
    cli.exitCode = end.exitCode;
    if (end.message !== null) cli.out.note(`cloudai worker ended: ${end.message}`);
  } catch (error) {
    throw readable(toCliError(error));
  }
}

/** A join token works once; what the worker dials is asked for at every start, so it is kept beside the identity. */
function masterFile(dataDirectory: string): string {
  return path.join(dataDirectory, 'master');
}

function rememberedMaster(dataDirectory: string): string {
  try {
    return fs.readFileSync(masterFile(dataDirectory), 'utf8').trim();
  } catch {
    throw new CliError(
      'usage',
      `the worker in ${dataDirectory} does not know its master`,
      'On the master run `cloudai register ID`; it prints the command for this machine.',
    );
  }
}

/** The worker says in plain errors what is wrong with its data directory, its token or its address. */
function readable(error: unknown): unknown {
  return error instanceof Error && error.constructor === Error
    ? new CliError('failure', error.message, null, { cause: error })
    : error;
}
