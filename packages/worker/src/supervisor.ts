/** All attempts of this worker: makes and finds them, passes on what the master says, answers what is to be sent. */
import os from 'node:os';
import type { Logger } from 'pino';
import type { AttemptJournal } from './attempt-journal.ts';
import { AttemptRunner } from './attempt-runner.ts';
import { type Clock, delay } from './clock.ts';
import { type Artifact, type AttemptKey, keyText, type RunSpec } from './core/attempt.ts';
import { WINDOW_BYTES } from './core/log-ledger.ts';
import { adopt, begin, isStuck, step } from './core/machine.ts';
import type { Lease } from './lease.ts';
import type { WorkerObserver } from './observer.ts';
import type { RunnerHost } from './runner-host.ts';
import type { OutputFile, Runtime } from './runtimes/runtime.ts';
import { Slots } from './slots.ts';

/** Un-acknowledged log bytes of all attempts together; with many attempts each gets less, down to a floor. */
const ALL_WINDOWS_BYTES = 64 * 2 ** 20;
const MIN_WINDOW_BYTES = 256 * 1024;
/** Attempts that were here are recognised this far back when they are assigned again. */
const GONE_REMEMBERED = 1_000;
const PARALLEL_MEASUREMENTS = 4;
/**
 * A master whose store was restored from a backup gives numbers of attempts a second time. Silence would leave it
 * waiting for ever; what is told makes it try again under the next number.
 */
const USED_BEFORE = 'this worker has had an attempt of this name before; the master may run on a restored backup';
/** An engine does much of a start under locks: more at once make the first ones late and none of them earlier. */
const PARALLEL_STARTS = Math.max(8, 2 * os.availableParallelism());
/** Beyond the longest grace: to kill, to remove, and to wait for an engine that is slow. */
const CLEAR_MS = 60_000;
const CLEAR_POLL_MS = 50;
/** Stands in for a spec that could not be read. */
const NOTHING_TO_RUN: RunSpec = {
  namespace: '',
  owner: '',
  name: null,
  image: '',
  imageDigest: null,
  command: { kind: 'image' },
  entrypoint: null,
  env: {},
  workingDir: null,
  user: null,
  labels: {},
  cpuMillis: 0,
  memoryBytes: 0,
  storageBytes: 0,
  gpus: [],
  timeoutMs: null,
  stopSignal: null,
  stopGraceMs: 0,
  profile: 'restricted',
  network: 'none',
  pull: 'never',
  logLimitBytes: 0,
  logPolicy: 'truncate',
};

export interface SupervisorOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly journal: AttemptJournal;
  readonly lease: Lease;
  readonly log: Logger;
  readonly observer?: WorkerObserver | undefined;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #runners = new Map<string, AttemptRunner>();
  readonly #gone = new Set<string>();
  /** Assigned again while they are being removed: refused once nothing of them is left. */
  readonly #refusals = new Set<string>();
  readonly #host: RunnerHost;
  #wake: (runner: AttemptRunner) => void = () => {};
  #upload: RunnerHost['upload'] = () => Promise.reject(new Error('there is no session'));
  #measuring = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { runtime, clock, journal, lease, log } = options;
    this.#host = {
      runtime,
      clock,
      journal,
      log,
      starts: new Slots(PARALLEL_STARTS),
      measurements: new Slots(PARALLEL_MEASUREMENTS),
      windowBytes: () =>
        Math.min(WINDOW_BYTES, Math.max(MIN_WINDOW_BYTES, ALL_WINDOWS_BYTES / Math.max(1, this.#runners.size))),
      mayStart: (runner) => lease.isFresh(clock.now()) && (runner.state.abandoned || !this.#isClearing()),
      wakeSession: (runner) => this.#wake(runner),
      upload: (key, file, signal) => this.#upload(key, file, signal),
      gone: (runner) => this.#forget(runner),
      observer: options.observer,
    };
  }

  get runners(): ReadonlyMap<string, AttemptRunner> {
    return this.#runners;
  }

  /** Why the worker is not well although its runtime is; null when it is. */
  get complaint(): string | null {
    const now = this.#options.clock.now();
    const stuck = [...this.#runners.values()].filter((runner) => isStuck(runner.state, now));
    if (stuck.length === 0) return null;
    const names = stuck.map((runner) => keyText(runner.key)).join(', ');
    return `processes that can not be killed hold their resources: ${names}`;
  }

  /** Whoever sends is called when there is something to send. */
  onWake(wake: (runner: AttemptRunner) => void): void {
    this.#wake = wake;
  }

  useUploader(upload: (key: AttemptKey, file: OutputFile, signal: AbortSignal) => Promise<Artifact>): void {
    this.#upload = upload;
  }

  /** Takes up the containers that an earlier process of this worker left. */
  async adoptAll(): Promise<number> {
    const { runtime, clock, journal, log } = this.#options;
    for (const found of await runtime.list()) {
      const text = keyText(found.key);
      if (this.#runners.has(text) || this.#gone.has(text)) continue;
      const unread = (error: unknown) => {
        log.warn({ err: error, attempt: text }, 'what was noted of it can not be read');
        return null;
      };
      const stop = await journal.stop(found.key).catch(unread);
      const noted = await journal.ranForMs(found.key).catch(unread);
      const ranForMs = noted ?? this.#ranByTheWall(found.startedAt);
      const first = adopt({ ...found, ranForMs, stop }, clock.now());
      const runner = new AttemptRunner(this.#host, first, true);
      this.#runners.set(text, runner);
      // From here on it is known by the better clock.
      if (noted === null && found.state !== 'created' && found.state !== 'exited') runner.noteStart(ranForMs);
      log.info({ attempt: text, state: found.state }, 'took up a container');
    }
    const known = [...this.#runners.values()].map(({ key }) => key);
    await runtime.removeLeftovers(known);
    await journal.removeOthers(known);
    return this.#runners.size;
  }

  /** Nothing has been running for longer than the machine. */
  #ranByTheWall(startedAt: number | null): number {
    if (startedAt === null) return 0;
    return Math.min(Math.max(0, this.#options.clock.wallNow() - startedAt), os.uptime() * 1_000);
  }

  assign(key: AttemptKey, spec: RunSpec): void {
    const text = keyText(key);
    const runner = this.#runners.get(text);
    if (runner?.state.abandoned === true) {
      this.#refusals.add(text);
      return;
    }
    if (runner !== undefined) {
      this.#options.log.debug({ attempt: text }, 'assigned again; it is known');
      return;
    }
    if (this.#gone.has(text)) {
      this.refuse(key, USED_BEFORE);
      return;
    }
    this.#runners.set(text, new AttemptRunner(this.#host, begin(key, spec), false));
  }

  /** The assignment can not be carried out as it is; the master is told, like of any other end. */
  refuse(key: AttemptKey, message: string): void {
    const text = keyText(key);
    if (this.#runners.has(text)) return;
    this.#options.log.error({ attempt: text, message }, 'refused an assignment');
    const wallNow = this.#options.clock.wallNow();
    const { state } = begin(key, NOTHING_TO_RUN);
    const refused = step(
      state,
      { kind: 'notStarted', reason: 'start_error', message, exitCode: null, wallNow },
      this.#options.clock.now(),
    );
    this.#runners.set(text, new AttemptRunner(this.#host, refused, false));
  }

  cancel(key: AttemptKey, reason: string, graceMs: number): void {
    const wallNow = this.#options.clock.wallNow();
    this.#runners.get(keyText(key))?.dispatch({ kind: 'stop', reason, message: null, graceMs, wallNow });
  }

  abandon(key: AttemptKey): void {
    const runner = this.#runners.get(keyText(key));
    if (runner === undefined) return;
    runner.dispatch({ kind: 'abandon' });
    // What it had to tell is not to be believed of a later assignment of the same name.
    for (const { phase } of [...runner.reports]) if (phase !== 'ended') runner.acknowledge(phase, false);
  }

  /** Stops and removes everything that is here. False: something was left when the time, or the signal, ended it. */
  async clear(signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const runners = [...this.#runners.values()];
    const until = clock.now() + Math.max(0, ...runners.map(({ state }) => state.spec.stopGraceMs)) + CLEAR_MS;
    for (const { key } of runners) this.abandon(key);
    while (this.#runners.size > 0 && clock.now() < until && !signal.aborted) {
      await delay(clock, CLEAR_POLL_MS, signal).catch(() => {}); // Stopped while waiting.
    }
    return this.#runners.size === 0;
  }

  leaseRenewed(): void {
    for (const runner of this.#runners.values()) {
      if (this.#host.mayStart(runner)) runner.dispatch({ kind: 'leaseRenewed' });
    }
  }

  /** A process that the master has given up is still alive. Its resources may have been promised anew. */
  #isClearing(): boolean {
    for (const { state } of this.#runners.values()) {
      if (!state.abandoned) continue;
      if (state.phase === 'starting' || state.phase === 'running' || state.phase === 'stopping') return true;
    }
    return false;
  }

  /** Measures all running attempts, a few at a time; skipped while an earlier round still runs. */
  async measure(): Promise<void> {
    if (this.#measuring) return;
    this.#measuring = true;
    const runners = this.#runners.values();
    const one = async () => {
      for (const runner of runners) {
        await runner.measure().catch((error: unknown) => {
          this.#options.log.debug({ err: error, attempt: keyText(runner.key) }, 'could not be measured');
        });
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_MEASUREMENTS }, one));
    this.#measuring = false;
  }

  /** Lets go of all containers; they go on. */
  detach(): void {
    for (const runner of this.#runners.values()) runner.detach();
    this.#runners.clear();
    this.#refusals.clear();
  }

  #forget(runner: AttemptRunner): void {
    const text = keyText(runner.key);
    this.#runners.delete(text);
    if (runner.state.abandoned) this.leaseRenewed(); // Others may have waited for its end.
    this.#gone.add(text);
    if (this.#gone.size > GONE_REMEMBERED) {
      for (const oldest of this.#gone) {
        this.#gone.delete(oldest);
        break;
      }
    }
    if (this.#refusals.delete(text)) this.refuse(runner.key, USED_BEFORE);
  }
}
