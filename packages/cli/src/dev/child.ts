/** A process of the `dev` cluster: the same program as another process, kept alive, its output in a file. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';

export interface ChildOptions {
  readonly name: 'master' | 'worker';
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  readonly pidFile: string;
  /** Told before each new start. */
  readonly onRestart: (text: string) => void;
}

/** First pause before a new start, ms; doubles with every early death up to the longest one. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** A process that lived this long died of something new. */
const LONG_LIFE_MS = 60_000;
/** After so many early deaths in a row it is given up. */
const MOST_EARLY_DEATHS = 5;
/** Graceful ends take a second or two; the worker's containers survive even this. */
const STOP_MS = 20_000;
/** Stands for every signal. */
const KILLED = 128;
/** Exit codes that another start will not change: refused identity, wrong configuration, wrong usage. */
const HOPELESS = new Set([2, 3, 4, 69, 77, 78]);

export class Child {
  readonly #options: ChildOptions;
  readonly #ended = Promise.withResolvers<number>();
  #process: ChildProcess | null = null;
  #stopping = false;
  #earlyDeaths = 0;
  #isProven = false;
  #startedAt = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#start();
  }

  /** Resolves with the exit code when it has ended for good: it was stopped, or given up. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  /** It does what it should: from now on it is started again when it dies. Before, its first end is its last. */
  proven(): void {
    this.#isProven = true;
  }

  /** The end of what it said, for an error message. */
  tail(lines = 12): string {
    try {
      return fs.readFileSync(this.#options.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch {
      return '';
    }
  }

  /** SIGTERM, and SIGKILL when that is not obeyed in time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#timer !== null) this.#giveUp(0);
    this.#process?.kill('SIGTERM');
    const killer = setTimeout(() => this.#process?.kill('SIGKILL'), STOP_MS);
    await this.ended;
    clearTimeout(killer);
  }

  #start(): void {
    const { args, env, logFile, pidFile } = this.#options;
    const log = fs.openSync(logFile, 'a', 0o600);
    this.#timer = null;
    this.#startedAt = Date.now();
    const child = spawn(process.execPath, [...process.execArgv, mainFile(), ...args], {
      env,
      // Its own group, so that Ctrl-C at the terminal is for the prompt alone. The channel ends with this process, and
      // the child stops then, however this process came to its end.
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
    fs.closeSync(log);
    this.#process = child;
    fs.writeFileSync(pidFile, `${child.pid}\n`);
    child.on('error', () => {}); // `exit` does not follow a failed spawn, `close` does.
    child.on('close', (code, signal) => this.#onClose(code ?? KILLED, signal ?? `exit code ${code}`));
  }

  #onClose(code: number, how: string): void {
    const { name, onRestart } = this.#options;
    this.#process = null;
    this.#earlyDeaths = Date.now() - this.#startedAt > LONG_LIFE_MS ? 1 : this.#earlyDeaths + 1;
    const isHopeless = !this.#isProven || HOPELESS.has(code) || this.#earlyDeaths > MOST_EARLY_DEATHS;
    if (this.#stopping || isHopeless) {
      this.#giveUp(code);
      return;
    }
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#earlyDeaths - 1));
    onRestart(`the ${name} ended (${how}); starting it again in ${pause / 1000} s`);
    this.#timer = setTimeout(() => this.#start(), pause);
  }

  #giveUp(code: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    fs.rmSync(this.#options.pidFile, { force: true });
    this.#ended.resolve(code);
  }
}

function mainFile(): string {
  return new URL('../main.ts', import.meta.url).pathname;
}
