// A worker on a real Docker engine under a master that is honest and in memory: for what happens between the worker and
// the engine, without the rest of the cluster in between.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runWorker, type WorkerHandle } from '@cloudai/worker';
import { type AssignmentOptions, assignment, FakeMaster, type ReceivedLog } from '@cloudai/worker/testing';
import { afterAll, beforeAll } from 'vitest';
import { Docker } from '../docker.ts';
import { until } from '../wait.ts';

interface Key {
  readonly taskId: string;
  readonly attempt: number;
}

export interface Outcome {
  readonly key: Key;
  readonly reason: string;
  readonly exitCode: number | undefined;
  readonly message: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly log: ReceivedLog;
  readonly artifacts: readonly string[];
  readonly ended: Awaited<ReturnType<FakeMaster['ended']>>;
}

const TASK_MS = 60_000;

export class DockerWorker {
  readonly docker: Docker;
  readonly dataDirectory: string;
  readonly #host: string | undefined;
  #master: FakeMaster | null = null;
  #worker: WorkerHandle | null = null;
  #tasks = 0;

  /** `host` names another engine than the shared one. */
  constructor(host?: string) {
    this.#host = host;
    this.docker = new Docker(host);
    this.dataDirectory = fs.mkdtempSync(path.join(os.tmpdir(), 'cai-worker-'));
  }

  get master(): FakeMaster {
    if (this.#master === null) throw new Error('the master was not started');
    return this.#master;
  }

  get worker(): WorkerHandle {
    if (this.#worker === null) throw new Error('the worker was not started');
    return this.#worker;
  }

  async start(): Promise<void> {
    this.#master = await FakeMaster.start({ heartbeatMs: 1_000, leaseMs: 20_000, clusterId: clusterId() });
    await this.run();
  }

  /** Starts the worker process, or a new one that finds what the one before left. */
  async run(): Promise<void> {
    this.#worker = await runWorker({
      master: this.master.address,
      join: this.master.register('worker-1'),
      dataDirectory: this.dataDirectory,
      dockerHost: this.docker.host,
      capacity: { gpus: 0 },
    });
    await this.master.connected();
  }

  newKey(): Key {
    this.#tasks += 1;
    return { taskId: `task${this.#tasks}`, attempt: 1 };
  }

  assign(options: AssignmentOptions): Key {
    const key = this.newKey();
    this.master.session.send(assignment(key, options));
    return key;
  }

  async run1(options: AssignmentOptions): Promise<Outcome> {
    return this.outcome(this.assign(options));
  }

  async outcome(key: Key): Promise<Outcome> {
    const ended = await this.master.ended(key, TASK_MS);
    const log = this.master.log(key);
    return {
      key,
      ended,
      log,
      reason: ended.reason,
      exitCode: ended.exitCode,
      message: ended.message,
      stdout: log.stdout.toString(),
      stderr: log.stderr.toString(),
      artifacts: ended.artifacts.map((artifact) => artifact.path),
    };
  }

  containerName(key: Key): string {
    return `cai-${this.master.authority.clusterId.slice(0, 8)}-${key.taskId}-${key.attempt}`;
  }

  containers() {
    return this.docker.containers({ 'ai.cloudai.cluster': this.master.authority.clusterId });
  }

  /** Nothing is left of the tasks: no container, no directory, no note. */
  async isClean(): Promise<void> {
    await until(async () => (await this.containers()).length === 0, { what: 'the containers to be removed' });
    await until(() => ['outputs', 'stops'].every((name) => listed(path.join(this.dataDirectory, name)).length === 0), {
      what: 'the directories of the tasks to be removed',
    });
  }

  async close(): Promise<void> {
    await this.#worker?.stop();
    if (this.#master !== null) {
      for (const { Id } of await this.containers()) await this.docker.remove(Id);
      await this.#master.stop();
    }
    this.docker.close();
    fs.rmSync(this.dataDirectory, { recursive: true, force: true });
  }
}

/** A worker for all tests of a file, searched for leaks after them. */
export function useDockerWorker(): DockerWorker {
  const worker = new DockerWorker();
  beforeAll(() => worker.start());
  afterAll(async () => {
    try {
      await worker.isClean();
    } finally {
      await worker.close();
    }
  });
  return worker;
}

function clusterId(): string {
  return `e2e${process.pid.toString(36)}${Math.floor(Math.random() * 36 ** 4).toString(36)}`.padEnd(12, '0');
}

function listed(directory: string): string[] {
  return fs.existsSync(directory) ? fs.readdirSync(directory) : [];
}
