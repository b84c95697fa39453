/** A worker with a scripted runtime, joined to a fake master, for tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { MemoryAttemptJournal } from '../attempt-journal.ts';
import { systemClock } from '../clock.ts';
import { runWorker, type WorkerHandle, type WorkerOptions } from '../process.ts';
import { ScriptedMachine, ScriptedRuntime } from '../runtimes/scripted/index.ts';
import { FakeMaster, type FakeMasterOptions } from './fake-master.ts';

export const silent = pino({ level: process.env.CLOUDAI_LOG_LEVEL ?? 'silent' }, pino.destination(2));

export class WorkerHarness {
  readonly master: FakeMaster;
  readonly machine = new ScriptedMachine(systemClock);
  readonly journal = new MemoryAttemptJournal();
  readonly dataDirectory: string;
  #worker: WorkerHandle | null = null;

  private constructor(master: FakeMaster, dataDirectory: string) {
    this.master = master;
    this.dataDirectory = dataDirectory;
  }

  static async start(options: FakeMasterOptions = {}): Promise<WorkerHarness> {
    const master = await FakeMaster.start(options);
    const dataDirectory = await mkdtemp(path.join(os.tmpdir(), 'worker-test-'));
    return new WorkerHarness(master, dataDirectory);
  }

  get worker(): WorkerHandle {
    if (this.#worker === null) throw new Error('no worker runs');
    return this.#worker;
  }

  /** Starts the worker process, or a new one on the same machine. */
  async run(options: Partial<WorkerOptions> = {}): Promise<WorkerHandle> {
    const join = 'join' in options ? options.join : this.master.register('worker-1');
    this.#worker = await runWorker({
      master: this.master.address,
      dataDirectory: this.dataDirectory,
      log: silent,
      journal: this.journal,
      openRuntime: async () => new ScriptedRuntime(this.machine),
      ...options,
      join,
    });
    return this.#worker;
  }

  async close(): Promise<void> {
    await this.#worker?.stop('the test is over');
    await this.master.stop();
    await rm(this.dataDirectory, { recursive: true, force: true });
    if (this.master.complaints.length > 0) throw new Error(this.master.complaints.join('; '));
  }
}
