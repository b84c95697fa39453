// A process under test: its output kept in a file, its end known, never outliving the test run.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { GiveUp } from './wait.ts';

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Launch {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Standard output and error are appended here. */
  readonly logFile: string;
}

const alive = new Set<ChildProcess>();

// A test run that breaks off leaves no process behind; SIGKILL of the run itself is the one case that can.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export class ManagedProcess {
  readonly name: string;
  readonly logFile: string;
  readonly startedAt = performance.now();
  readonly #child: ChildProcess;
  readonly #exit: Promise<ProcessExit>;
  #ended: ProcessExit | null = null;

  constructor({ name, command, args, env, logFile }: Launch) {
    this.name = name;
    this.logFile = logFile;
    const out = fs.openSync(logFile, 'a');
    this.#child = spawn(command, args, { env, stdio: ['ignore', out, out] });
    fs.closeSync(out);
    alive.add(this.#child);
    const { promise, resolve } = Promise.withResolvers<ProcessExit>();
    this.#exit = promise;
    const end = (exit: ProcessExit) => {
      alive.delete(this.#child);
      this.#ended = exit;
      resolve(exit);
    };
    this.#child.on('error', () => end({ code: 127, signal: null }));
    this.#child.on('exit', (code, signal) => end({ code, signal }));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get ended(): ProcessExit | null {
    return this.#ended;
  }

  exited(): Promise<ProcessExit> {
    return this.#exit;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGKILL, and gone when this resolves. */
  async kill9(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }

  /** SIGTERM; SIGKILL and an error when that is not obeyed in time. */
  async stop(withinMs = 20_000): Promise<ProcessExit> {
    if (this.#ended !== null) return this.#ended;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), withinMs);
    const exit = await this.#exit;
    clearTimeout(timer);
    if (exit.signal === 'SIGKILL') throw new Error(`${this.name} did not end within ${withinMs} ms of SIGTERM`);
    return exit;
  }

  /** For use inside `until`: a process that has ended will not become ready any more. */
  mustBeAlive(): void {
    if (this.#ended === null) return;
    const { code, signal } = this.#ended;
    throw new GiveUp(`${this.name} ended (${signal ?? `exit code ${code}`}):\n${this.tail()}`);
  }

  /** The end of its output. */
  tail(bytes = 4000): string {
    return fs.readFileSync(this.logFile).subarray(-bytes).toString();
  }
}

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly withinMs?: number;
  readonly cwd?: string;
}

/** Runs a command to its end. */
export function runCommand(
  command: string,
  args: readonly string[],
  { env = process.env, input, withinMs = 60_000, cwd }: CommandOptions = {},
): Promise<Finished> {
  const { promise, resolve, reject } = Promise.withResolvers<Finished>();
  const child = spawn(command, args, {
    env,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  alive.add(child);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin?.on('error', () => undefined); // It may end without having read everything.
  child.stdin?.end(input);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, withinMs);
  child.on('error', (error) => {
    clearTimeout(timer);
    alive.delete(child);
    reject(error);
  });
  child.on('close', (code) => {
    clearTimeout(timer);
    alive.delete(child);
    const finished = {
      code: code ?? 1,
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    };
    if (!late) resolve(finished);
    else
      reject(
        new Error(
          `${[command, ...args].join(' ')} took longer than ${withinMs} ms\n${finished.stdout}\n${finished.stderr}`,
        ),
      );
  });
  return promise;
}
