// A whole cluster for a test: real processes through the real command line, in a folder and on ports of its own.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CloudAI, type WorkerView } from '@cloudai/sdk';
import { parse, stringify } from 'yaml';
import { type ContainerSummary, Docker } from './docker.ts';
import type { Host } from './network.ts';
import { freePorts } from './ports.ts';
import { type CommandOptions, type Finished, ManagedProcess, runCommand } from './process.ts';
import { until } from './wait.ts';

export const ROOT = path.resolve(import.meta.dirname, '../..');
/** Another installation can be put to these tests. */
export const CLOUDAI = process.env.CLOUDAI_TEST_COMMAND ?? path.join(ROOT, 'bin/cloudai');
export const IMAGE = 'cloudai/busybox:local';

/** A tenth of the real ones or less, so that a test of silence takes seconds. */
export const SHORT_FIGURES = {
  workers: { heartbeat: '500ms' },
  liveness: { suspect: '2s', lost: '5s', startGrace: '8s' },
  retries: { backoff: '200ms' },
};
export const SUSPECT_MS = 2_000;

/** Bound on a restart of a busy machine. 3 s are promised on one that has nothing else to do: the tests print what they saw. */
export const BACK_WITHIN_MS = Number(process.env.CLOUDAI_TEST_BACK_MS ?? 20_000);

export interface WorkerOptions {
  readonly id?: string;
  readonly cpu?: number;
  readonly memory?: string;
  readonly storage?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Runs inside this network namespace. */
  readonly host?: Host;
}

export interface ClusterOptions {
  readonly workers?: readonly WorkerOptions[];
  /** Settings of the master besides the short figures. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Engine of the workers; the machine's own without it. */
  readonly dockerHost?: string;
  /** Where the master listens for workers. Its port for users is on loopback whatever this says. */
  readonly workerAddress?: string;
  /** Where the master keeps its data; a folder of the cluster's own without it. */
  readonly masterFolder?: string;
}

/** Labels of the containers, as documented; the tests hold them to it. */
const CLUSTER_LABEL = 'ai.cloudai.cluster';
const TASK_LABEL = 'ai.cloudai.task';

const DEFAULT_WORKER = { cpu: 4, memory: '4Gi', storage: '20Gi' };

interface WorkerSlot {
  readonly options: WorkerOptions & { readonly id: string };
  readonly folder: string;
  process: ManagedProcess | null;
}

export class Cluster {
  readonly folder: string;
  readonly docker: Docker;
  readonly #options: ClusterOptions;
  readonly #workers = new Map<string, WorkerSlot>();
  #master: ManagedProcess | null = null;
  #client: CloudAI | null = null;
  #ports: readonly number[] = [];
  #clusterId = '';

  constructor(options: ClusterOptions = {}) {
    this.#options = options;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cai-e2e-'));
    this.docker = new Docker(options.dockerHost);
    for (const [index, worker] of (options.workers ?? [{}]).entries())
      this.#addSlot({ id: `worker-${index + 1}`, ...worker });
  }

  /** init, master, register, workers; resolves when every worker is active. */
  async start(): Promise<void> {
    this.#ports = await freePorts(2);
    await this.run('init', '--data', this.masterFolder, '--url', this.url);
    await this.startExisting();
  }

  /** The same with a master's folder that is there already. */
  async startExisting(): Promise<void> {
    if (this.#ports.length === 0) this.#ports = await freePorts(2);
    await this.startMaster();
    this.#clusterId = (await this.client.getCluster()).clusterId;
    await Promise.all([...this.#workers.keys()].map((id) => this.startWorker(id)));
  }

  get masterFolder(): string {
    return path.join(this.#options.masterFolder ?? this.folder, 'master');
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#ports[0]}`;
  }

  get workerEndpoint(): string {
    return `${this.#options.workerAddress ?? '127.0.0.1'}:${this.#ports[1]}`;
  }

  get workerIds(): readonly string[] {
    return [...this.#workers.keys()];
  }

  /** Speaks to the master as the admin that `init` made. */
  get client(): CloudAI {
    this.#client ??= this.clientWith({});
    return this.#client;
  }

  clientWith(options: { readonly token?: string; readonly retries?: number }): CloudAI {
    return new CloudAI({
      url: this.url,
      token: options.token ?? this.token,
      // A restart of the master takes seconds on a loaded machine.
      retry: { limit: options.retries ?? 40, baseMs: 50, maxMs: 500 },
    });
  }

  get token(): string {
    const context = parse(fs.readFileSync(path.join(this.folder, 'config/cloudai/context.yaml'), 'utf8')) as {
      token: string;
    };
    return context.token;
  }

  // The command line

  get env(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      XDG_CONFIG_HOME: path.join(this.folder, 'config'),
      XDG_STATE_HOME: path.join(this.folder, 'state'),
      DOCKER_HOST: this.docker.host,
      NO_COLOR: '1',
    };
  }

  /** Any command line of `cloudai` with this cluster as its own. Never throws for an exit code. */
  cli(args: readonly string[], options: CommandOptions = {}): Promise<Finished> {
    return runCommand(CLOUDAI, args, { ...options, env: { ...this.env, ...options.env } });
  }

  /** One that has to succeed; answers its standard output. */
  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.cli(args);
    if (code !== 0) throw new Error(`cloudai ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
    return stdout;
  }

  // The master

  /** Starts it and resolves when it answers; the milliseconds that took. */
  async startMaster(): Promise<number> {
    fs.mkdirSync(this.masterFolder, { recursive: true });
    const config = path.join(this.folder, 'master.yaml');
    fs.writeFileSync(config, stringify({ ...SHORT_FIGURES, ...this.#options.config }));
    const child = new ManagedProcess({
      name: 'master',
      command: CLOUDAI,
      args: ['master', '--data', this.masterFolder, '--config', config, ...this.#listenArgs()],
      env: this.env,
      logFile: path.join(this.folder, 'master.log'),
    });
    this.#master = child;
    const client = this.clientWith({ retries: 0 });
    await until(
      async () => {
        child.mustBeAlive();
        return await client.getVersion();
      },
      { what: 'the master to answer', pollMs: 10 },
    );
    client.close();
    return performance.now() - child.startedAt;
  }

  get master(): ManagedProcess {
    if (this.#master === null) throw new Error('the master was not started');
    return this.#master;
  }

  async restartMaster(how: 'kill9' | 'stop'): Promise<number> {
    await this.master[how]();
    return this.startMaster();
  }

  // The workers

  /** Registers the id when it is new, starts the process, resolves when the master has it as active. */
  async startWorker(id: string): Promise<number> {
    const slot = this.#slot(id);
    const isNew = !fs.existsSync(slot.folder);
    const join = isNew ? await this.#register(slot) : [];
    const [command = '', ...enterArgs] = [...(slot.options.host?.enter ?? []), CLOUDAI];
    const child = new ManagedProcess({
      name: id,
      command,
      args: [
        ...enterArgs,
        'worker',
        '--data',
        slot.folder,
        '--master',
        this.workerEndpoint,
        ...join,
        ...capacityArgs(slot.options),
      ],
      env: this.env,
      logFile: path.join(this.folder, `${id}.log`),
    });
    slot.process = child;
    const session = isNew ? null : (await this.client.getWorker(id)).lastSeenAt;
    await until(
      async () => {
        child.mustBeAlive();
        const { state, connected, lastSeenAt } = await this.client.getWorker(id);
        return state === 'active' && connected && lastSeenAt !== session;
      },
      { what: `${id} to become active` },
    );
    return performance.now() - child.startedAt;
  }

  worker(id: string): ManagedProcess {
    const { process } = this.#slot(id);
    if (process === null) throw new Error(`${id} was not started`);
    return process;
  }

  async restartWorker(id: string, how: 'kill9' | 'stop'): Promise<number> {
    await this.worker(id)[how]();
    return this.startWorker(id);
  }

  async addWorker(options: WorkerOptions & { readonly id: string }): Promise<void> {
    this.#addSlot(options);
    await this.startWorker(options.id);
  }

  async workers(): Promise<Map<string, WorkerView>> {
    const views = await this.client.listWorkers().take(1000);
    return new Map(views.map((view) => [view.id, view]));
  }

  // What it leaves in Docker

  containers(): Promise<ContainerSummary[]> {
    return this.docker.containers({ [CLUSTER_LABEL]: this.#clusterId });
  }

  containersOf(taskId: string): Promise<ContainerSummary[]> {
    return this.docker.containers({ [CLUSTER_LABEL]: this.#clusterId, [TASK_LABEL]: taskId });
  }

  /** Cancels what has not ended; resolves when nothing is held and no container is left. */
  async settle(): Promise<void> {
    const live = await this.client.listTasks({ state: 'pending,queued,assigned,running' }).take(100_000);
    for (const { id } of live) await this.client.cancelTask(id);
    for (const { id } of live) await this.client.waitForTask(id);
    let left: readonly ContainerSummary[] = [];
    await until(
      async () => {
        left = await this.containers();
        return left.length === 0;
      },
      { what: 'every container of the cluster to be removed' },
    ).catch((error: unknown) => {
      throw new Error(`left: ${left.map(({ Names, State }) => `${Names[0]} (${State})`).join(', ')}`, { cause: error });
    });
  }

  /** Ends everything. What the cluster should have removed by itself and did not is removed, and then an error. */
  async close({ settle = true }: { readonly settle?: boolean } = {}): Promise<void> {
    const problems: unknown[] = [];
    const steps = [() => this.#checkLeaks(), () => this.#stopAll(), () => this.#sweep()];
    // Without, for clusters whose backlog nobody will work off.
    for (const step of settle ? steps : steps.slice(1)) {
      await step().catch((problem: unknown) => problems.push(problem));
    }
    const report = problems.length === 0 ? '' : this.report();
    this.#client?.close();
    this.docker.close();
    fs.rmSync(this.folder, { recursive: true, force: true });
    if (problems.length > 0) throw new Error(`${problems.map(String).join('\n')}\n${report}`);
  }

  /** For a failed test: the end of what each process said. */
  report(): string {
    const running = [this.#master, ...[...this.#workers.values()].map((slot) => slot.process)];
    return running.map((child) => (child === null ? '' : `--- ${child.name} ---\n${child.tail()}`)).join('\n');
  }

  #slot(id: string): WorkerSlot {
    const slot = this.#workers.get(id);
    if (slot === undefined) throw new Error(`the cluster has no ${id}`);
    return slot;
  }

  #addSlot(options: WorkerOptions & { readonly id: string }): void {
    this.#workers.set(options.id, { options, folder: path.join(this.folder, options.id), process: null });
  }

  #listenArgs(): string[] {
    return ['--listen', `127.0.0.1:${this.#ports[0]}`, '--worker-listen', this.workerEndpoint];
  }

  async #register({ options }: WorkerSlot): Promise<string[]> {
    const { joinToken } = await this.client.registerWorker({
      id: options.id,
      ...(options.host === undefined ? {} : { address: options.host.address }),
      ...(options.labels === undefined ? {} : { labels: options.labels }),
    });
    return ['--join', joinToken];
  }

  /** Ends what still runs, and then gives live workers the time to remove every container. */
  async #checkLeaks(): Promise<void> {
    const isUp = (child: ManagedProcess | null) => child !== null && child.ended === null;
    if (!isUp(this.#master) || ![...this.#workers.values()].every((slot) => isUp(slot.process))) return;
    await this.settle();
  }

  async #stopAll(): Promise<void> {
    const started = [...[...this.#workers.values()].map((slot) => slot.process), this.#master];
    const results = await Promise.allSettled(started.filter((child) => child !== null).map((child) => child.stop()));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Whatever is left, so that a failed test does not trouble the next one. */
  async #sweep(): Promise<void> {
    // An engine that was never there holds nothing.
    if (this.#clusterId === '' || !(await this.docker.ping().catch(() => false))) return;
    for (const { Id } of await this.containers()) await this.docker.remove(Id);
  }
}

function capacityArgs({ cpu, memory, storage }: WorkerOptions): string[] {
  const capacity = {
    ...DEFAULT_WORKER,
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(storage === undefined ? {} : { storage }),
  };
  return Object.entries(capacity).flatMap(([name, value]) => [`--${name}`, String(value)]);
}
