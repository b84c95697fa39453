/** The options that describe a task, and what they become. `run` and `submit` share them. */
import fs from 'node:fs';
import type { TaskSubmission } from '@cloudai/sdk';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { usageError } from './errors.ts';
import { each, keyValue, listOf, time, wholeNumber } from './option-values.ts';

export interface SubmissionOptions {
  readonly name?: string;
  readonly shell?: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly storage?: string;
  readonly gpu?: string;
  readonly custom?: Readonly<Record<string, string>>;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly entrypoint?: string;
  readonly label?: Readonly<Record<string, string>>;
  readonly worker?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly gpuModel?: readonly string[];
  readonly expected?: string;
  readonly gang?: boolean;
  readonly preemptible?: boolean;
  readonly near?: readonly string[];
  readonly apart?: readonly string[];
  readonly spread?: readonly string[];
  readonly priority?: number;
  readonly deadline?: string;
  readonly startAfter?: string;
  readonly dependsOn?: readonly string[];
  readonly timeout?: string;
  readonly queueTimeout?: string;
  readonly retries?: number;
  readonly retryExitCodes?: readonly string[];
  readonly stopSignal?: string;
  readonly stopGrace?: string;
  readonly profile?: 'standard' | 'restricted';
  readonly network?: 'bridge' | 'none';
  readonly pull?: 'always' | 'missing' | 'never';
  readonly logLimit?: string;
}

export function addSubmissionOptions(command: Command): Command {
  return command
    .optionsGroup('What runs:')
    .option('--name <name>', 'a name for people')
    .option('-c, --shell <line>', 'a line for /bin/sh -c instead of an argument list')
    .option('-e, --env <key=value>', 'environment variable; KEY alone takes the value from here', each)
    .option('--env-file <file>', 'file with KEY=VALUE lines', each)
    .option('-w, --workdir <path>', 'working directory')
    .option('-u, --user <user>', 'user in the container')
    .option('--entrypoint <word>', "replaces the image's entrypoint")
    .addOption(new Option('--pull <when>', 'when to pull the image').choices(['always', 'missing', 'never']))
    .addOption(new Option('--profile <name>', 'how far the container is locked in').choices(['standard', 'restricted']))
    .addOption(new Option('--network <kind>', 'network of the container').choices(['bridge', 'none']))
    .optionsGroup('What it needs:')
    .option('--cpu <quantity>', 'CPU cores: 2, 0.5, 500m (1)')
    .option('--memory <quantity>', 'memory: 512Mi, 2Gi; a bare number is GiB (512Mi)')
    .option('--storage <quantity>', 'disk: 1Gi; a bare number is GiB (1Gi)')
    .option('--gpu <quantity>', 'GPUs: 1, 0.5 (0)')
    .option('--custom <name=count>', 'a resource with a name of your own', keyValue)
    .optionsGroup('Where and when:')
    .option('--worker <id>', 'only on this worker')
    .option('--selector <key=value>', 'only on workers with this label', keyValue)
    .option('--gpu-model <models>', 'only GPUs of these models: A10,T4', listOf)
    .option('--near <key=value[@label]>', 'where a task with this label runs; @zone: in the same zone', each)
    .option('--apart <key=value[@label]>', 'not where a task with this label runs', each)
    .option('--spread <key=value[@label]>', 'tasks with this label evenly over workers, or over @zone', each)
    .option('--gang', 'start together with the other tasks of the job, or not at all')
    .option('--no-preemptible', 'never stopped for a task of higher priority')
    .option('--expected <duration>', 'how long it is expected to run; orders the queue')
    .option('--priority <0-100>', 'larger goes first (50)', priority)
    .option('--deadline <time>', 'wished end; orders equal priorities', time)
    .option('--start-after <time>', 'not before this time', time)
    .option('--depends-on <task>', 'only after these tasks completed', listOf)
    .option('--queue-timeout <duration>', 'give up when it has not started by then: 10m')
    .optionsGroup('How it ends:')
    .option('--timeout <duration>', 'longest run time of an attempt: 90s, 1h30m')
    .option('--retries <n>', 'further attempts when it fails (0)', wholeNumber)
    .option('--retry-exit-codes <codes>', 'retry only these exit codes: 75,111', listOf)
    .option('--stop-signal <signal>', 'signal that asks it to stop (SIGTERM)')
    .option('--stop-grace <duration>', 'time it has to stop (10s)')
    .option('--log-limit <quantity>', 'log kept per attempt (64Mi)')
    .option('-l, --label <key=value>', 'label of the task', keyValue)
    .optionsGroup('');
}

export function toSubmission(image: string, words: readonly string[], options: SubmissionOptions): TaskSubmission {
  // `cloudai run IMAGE -- COMMAND` says the same as without the dashes.
  const args = words[0] === '--' ? words.slice(1) : words;
  if (options.shell !== undefined && args.length > 0) {
    throw usageError(`--shell and the arguments ${args.join(' ')} are two commands`, 'Leave one of them out.');
  }
  const resources = defined({
    cpu: options.cpu,
    memory: options.memory,
    storage: options.storage,
    gpu: options.gpu,
    custom: options.custom === undefined ? undefined : counts(options.custom),
  });
  const retry = defined({
    limit: options.retries,
    exitCodes: options.retryExitCodes?.map((code) => wholeNumber(code)),
  });
  const env = environment(options);
  return defined({
    name: options.name,
    image,
    command: options.shell ?? (args.length > 0 ? [...args] : undefined),
    entrypoint: options.entrypoint === undefined ? undefined : [options.entrypoint],
    env: Object.keys(env).length > 0 ? env : undefined,
    workdir: options.workdir,
    user: options.user,
    labels: options.label,
    resources: Object.keys(resources).length > 0 ? resources : undefined,
    worker: options.worker,
    selector: options.selector,
    gpuModels: options.gpuModel === undefined ? undefined : [...options.gpuModel],
    near: options.near?.map((text) => affinity('near', text)),
    apart: options.apart?.map((text) => affinity('apart', text)),
    spread: options.spread?.map((text) => affinity('spread', text)),
    gang: options.gang,
    preemptible: options.preemptible === false ? false : undefined,
    expected: options.expected,
    priority: options.priority,
    deadline: options.deadline,
    startAfter: options.startAfter,
    dependsOn: options.dependsOn === undefined ? undefined : [...options.dependsOn],
    timeout: options.timeout,
    queueTimeout: options.queueTimeout,
    retry: Object.keys(retry).length > 0 ? retry : undefined,
    stopSignal: options.stopSignal,
    stopGrace: options.stopGrace,
    profile: options.profile,
    network: options.network,
    pull: options.pull,
    logLimit: options.logLimit,
  });
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the fields that nobody set. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** `app=web`, `app=web,tier=1@zone`. */
function affinity(option: string, text: string): { labels: Record<string, string>; by?: string } {
  const at = text.lastIndexOf('@');
  const by = at < 0 ? undefined : text.slice(at + 1);
  const labels: Record<string, string> = {};
  for (const pair of (at < 0 ? text : text.slice(0, at)).split(',')) {
    const equals = pair.indexOf('=');
    if (equals < 1 || by === '')
      throw usageError(`--${option} ${text}: KEY=VALUE, or KEY=VALUE@LABEL with a label of workers, is expected`);
    labels[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return by === undefined ? { labels } : { labels, by };
}

function priority(text: string): number {
  const value = wholeNumber(text);
  if (value > 100) throw new InvalidArgumentError('A whole number from 0 to 100 is expected.');
  return value;
}

function counts(custom: Readonly<Record<string, string>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(custom).map(([name, count]) => {
      if (!/^\d{1,15}$/.test(count)) throw usageError(`--custom ${name}=${count}: a whole number is expected`);
      return [name, Number(count)];
    }),
  );
}

/** Files first, so that --env wins. */
function environment({ env = [], envFile = [] }: SubmissionOptions): Record<string, string> {
  const lines = [...envFile.flatMap(readEnvFile), ...env];
  const result: Record<string, string> = {};
  for (const line of lines) {
    const at = line.indexOf('=');
    if (at === 0) throw usageError(`--env ${line}: KEY=VALUE is expected`);
    const key = at === -1 ? line : line.slice(0, at);
    const value = at === -1 ? process.env[key] : line.slice(at + 1);
    if (value === undefined) throw usageError(`--env ${key}: it has no value here`, `Write ${key}=VALUE.`);
    result[key] = value;
  }
  return result;
}

function readEnvFile(file: string): string[] {
  try {
    const lines = fs.readFileSync(file, 'utf8').split(/\r?\n/);
    return lines.filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  } catch (error) {
    throw usageError(`cannot read ${file}: ${(error as Error).message}`);
  }
}
