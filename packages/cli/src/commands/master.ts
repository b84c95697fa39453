import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { readContextFile, writeContextFile } from '../context-file.ts';
import { usageError } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { toCliError } from '../process-errors.ts';
import { endWhenAsked } from '../process-life.ts';
import { VERSION } from '../version.ts';

interface Options {
  readonly data?: string;
  readonly config?: string;
  readonly listen?: string;
  readonly grpcListen?: string;
  readonly workerListen?: string;
  readonly advertise?: string;
  readonly hosts?: string;
  readonly logLevel?: string;
}

export function configure(command: Command, cli: Cli): void {
  command
    .option('--data <folder>', 'data directory that `cloudai init` made')
    .option('--config <file>', 'settings in YAML (config.yaml in the data directory)')
    .option('--listen <host:port>', 'where users are answered (127.0.0.1:8080); beyond loopback with TLS')
    .option('--grpc-listen <host:port>', 'where programs are answered (127.0.0.1:50052); beyond loopback with TLS')
    .option('--worker-listen <host:port>', 'where workers dial in (127.0.0.1:50051)')
    .option('--advertise <host:port>', 'what workers are told to dial, when it is another address')
    .option('--hosts <names>', 'further names under which users reach this master')
    .option('--log-level <level>', 'trace, debug, info, warn, error, silent')
    .action((options: Options) => master(cli, options));
  addExamples(
    command,
    { what: 'for this machine', line: 'cloudai init && cloudai master' },
    {
      what: 'for workers on other machines',
      line: 'cloudai master --worker-listen 0.0.0.0:50051 --advertise master.example:50051',
    },
  );
}

async function master(cli: Cli, options: Options): Promise<void> {
  const onStop = endWhenAsked(cli);
  const { runMaster } = await import('@cloudai/master');
  const { loadMasterConfig, masterOptions } = await import('@cloudai/master/config');
  try {
    const [restHost, restPort] = splitAddress(options.listen, '--listen');
    const [grpcHost, grpcPort] = splitAddress(options.grpcListen, '--grpc-listen');
    const [workersHost, workersPort] = splitAddress(options.workerListen, '--worker-listen');
    const { values } = await loadMasterConfig({
      env: cli.env,
      ...(options.config === undefined ? {} : { file: options.config }),
      flags: {
        data: options.data,
        'rest.host': restHost,
        'rest.port': restPort,
        'rest.hosts': options.hosts,
        'grpc.host': grpcHost,
        'grpc.port': grpcPort,
        'workers.host': workersHost,
        'workers.port': workersPort,
        'workers.endpoint': options.advertise,
        'log.level': options.logLevel,
      },
    });
    const running = await runMaster({ ...masterOptions(values), version: VERSION });
    onStop(() => void running.stop());
    const { restUrl, workerEndpoint, clusterId, epoch, context } = running;
    cli.out.print(
      `cloudai master ready: users ${restUrl}, workers ${workerEndpoint}, cluster ${clusterId}, epoch ${epoch}`,
    );
    await keepContext(cli, values.data, restUrl, context.identity.rootPem);
    const end = await running.stopped;
    cli.exitCode = end.exitCode;
    if (end.exitCode === 0) return;
    cli.out.note(`cloudai master ended: ${end.reason}`);
    // Whoever starts it again shall not wait for the readers of this one.
    cli.endsAtOnce = true;
  } catch (error) {
    throw toCliError(error);
  }
}

/**
 * Where this user's context holds the admin token of this very cluster, it follows the master to another address, so
 * that `cloudai init` and `cloudai master --listen ...` need no third step.
 */
async function keepContext(cli: Cli, dataDir: string, restUrl: string, rootPem: string): Promise<void> {
  try {
    const context = await readContextFile(cli.env);
    const admin = fs.readFileSync(path.join(dataDir, 'admin.yaml'), 'utf8');
    if (context?.token == null || !admin.includes(context.token)) return;
    const url = restUrl.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
    const ca = url.startsWith('https:') ? rootPem : null;
    if (context.url !== url || context.ca !== ca) await writeContextFile(cli.env, { ...context, url, ca });
  } catch {
    // A convenience of one user; the master serves everybody.
  }
}

/** `host:port`, `[v6]:port`, `host` or `:port`. */
function splitAddress(text: string | undefined, flag: string): [host: string | undefined, port: string | undefined] {
  if (text === undefined) return [undefined, undefined];
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) throw usageError(`${flag} ${text}: HOST:PORT is expected`);
  const [, v6, host, port] = match;
  return [v6 ?? (host === '' ? undefined : host), port];
}
