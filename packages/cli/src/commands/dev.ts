import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { readContextFile, stateDir, writeContextFile } from '../context-file.ts';
import { dashboardUrl } from '../dashboard-url.ts';
import { makeDataFolder } from '../data-folder.ts';
import { DevCluster, masterData } from '../dev/cluster.ts';
import { choosePort } from '../dev/ports.ts';
import { runSample } from '../dev/sample.ts';
import { Interrupted } from '../errors.ts';
import { addExamples } from '../examples.ts';
import { toCliError } from '../process-errors.ts';

interface Options {
  readonly data: string;
  readonly port: string;
  readonly workerPort?: string;
  readonly sample?: boolean;
  readonly once?: boolean;
  readonly cpu?: string;
  readonly memory?: string;
  readonly storage?: string;
}

/** How long the worker gets to remove what an ended task left, before it is stopped with `--once`. */
const SETTLE_MS = 10_000;

export function configure(command: Command, cli: Cli): void {
  command
    .option(
      '--data <folder>',
      'where the cluster is kept; made when it is missing',
      path.join(stateDir(cli.env), 'dev'),
    )
    .option('--port <port>', 'port for users, or auto', '8080')
    .option('--worker-port <port>', 'port for workers, or auto (50051)')
    .option('--sample', 'run sample task 1 and show its log, result and files')
    .option('--once', 'stop afterwards, with the exit code of the sample task')
    .option('--cpu <quantity>', 'CPU that the worker offers (all of the machine)')
    .option('--memory <quantity>', 'memory that it offers')
    .option('--storage <quantity>', 'storage that it offers')
    .action((options: Options) => dev(cli, options));
  addExamples(
    command,
    { what: 'a cluster to try things on, and the prompt', line: 'cloudai dev' },
    { what: 'does everything work here?', line: 'cloudai dev --sample --once --port auto' },
  );
}

async function dev(cli: Cli, options: Options): Promise<void> {
  const say = (text: string) => cli.out.note(`dev: ${text}`);
  const stop = new AbortController();
  cli.takeInterrupts(() => stop.abort(new Interrupted('stopped')));
  const data = path.resolve(options.data);
  const port = await choosePort(options.port, '--port', 'users');
  const workerPort = await choosePort(
    options.workerPort ?? (options.port === 'auto' ? 'auto' : '50051'),
    '--worker-port',
    'workers',
  );
  const cluster = new DevCluster({
    data,
    env: cli.env,
    port,
    workerPort,
    token: await ensureCluster(data, `http://127.0.0.1:${port}`, say),
    workerArgs: capacityArgs(options),
    say,
    signal: stop.signal,
  });
  try {
    await cluster.start();
    await tellContext(cli, cluster, say);
    const broken = cluster.broken();
    await Promise.race([broken, use(cli, cluster, options, say, stop)]);
    if (options.once === true) await cluster.settle(SETTLE_MS);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    if (options.once === true) throw error;
  } finally {
    // Ends the prompt, if it was not the prompt that ended.
    stop.abort(new Interrupted('stopped'));
    say('stopping');
    await cluster.stop();
  }
}

/** Sample, then the prompt at a terminal, else nothing until somebody stops it. */
async function use(
  cli: Cli,
  cluster: DevCluster,
  options: Options,
  say: (text: string) => void,
  stop: AbortController,
): Promise<void> {
  if (options.sample === true || options.once === true) {
    cli.exitCode = await runSample(cli, cluster.client, say, stop.signal);
    if (options.once === true) return;
    cli.exitCode = 0;
  }
  say(`dashboard: ${(await dashboardUrl(cluster.client, cluster.context.url)).url}`);
  if (process.stdin.isTTY && cli.out.isTerminal) {
    cli.keepsCtrlC = true;
    cli.takeInterrupts((signal) => {
      if (signal !== 'SIGINT') stop.abort(new Interrupted('stopped'));
    });
    say('type help for the commands, exit to stop the cluster');
    const { runPrompt } = await import('../prompt/prompt.ts');
    await runPrompt({ env: cli.env, context: cluster.context, signal: stop.signal });
    return;
  }
  say('serving until SIGTERM or Ctrl-C');
  await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }));
}

/** Answers the admin's token. */
async function ensureCluster(data: string, url: string, say: (text: string) => void): Promise<string> {
  const { createCluster } = await import('@cloudai/master');
  const dataDir = masterData(data);
  try {
    if (fs.existsSync(path.join(dataDir, 'cluster.json'))) {
      const { parse } = await import('yaml');
      const { token } = parse(fs.readFileSync(path.join(dataDir, 'admin.yaml'), 'utf8')) as { token: string };
      return token;
    }
    makeDataFolder(data);
    const { clusterId, token } = await createCluster({ dataDir, url, contextFile: null });
    say(`made cluster ${clusterId} in ${data}`);
    return token;
  } catch (error) {
    throw toCliError(error);
  }
}

/** Other terminals find this cluster, unless this user works with another one. */
async function tellContext(cli: Cli, { context }: DevCluster, say: (text: string) => void): Promise<void> {
  const before = await readContextFile(cli.env).catch(() => null);
  if (before !== null && before.token !== context.token) {
    say(`your commands speak to ${before.url}; for this cluster: export CLOUDAI_URL=${context.url} and its token`);
  } else if (before?.url !== context.url) {
    say(`other terminals find it through ${await writeContextFile(cli.env, context)}`);
  }
}

function capacityArgs({ cpu, memory, storage }: Options): string[] {
  const given = { cpu, memory, storage };
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
}
