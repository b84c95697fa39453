/** Command lines for tests: inside this process with captured output, or as a process of their own. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Writable } from 'node:stream';
import { Cli } from '../cli.ts';
import { Output } from '../output/output.ts';
import { runCommandLine } from '../program.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Columns of a terminal; none without it. */
  readonly width?: number;
  readonly isPrompt?: boolean;
  /** Gets the command's Cli, to press Ctrl-C. */
  readonly onStart?: (cli: Cli) => void;
}

class Capture extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;

  constructor(width: number | undefined) {
    super();
    this.isTTY = width !== undefined;
    this.columns = width ?? 0;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** A cluster's address and token as environment. */
export function envOf(master: { readonly url: string; readonly token: string }): NodeJS.ProcessEnv {
  return { CLOUDAI_URL: master.url, CLOUDAI_TOKEN: master.token, NO_COLOR: '1' };
}

export async function runHere(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const stdout = new Capture(options.width);
  const stderr = new Capture(undefined);
  // Nothing of this machine's own configuration.
  const env = { XDG_CONFIG_HOME: '/nonexistent', XDG_STATE_HOME: '/nonexistent', ...options.env };
  const cli = new Cli({ out: new Output({ stdout, stderr }, env), env, isPrompt: options.isPrompt ?? false });
  options.onStart?.(cli);
  const code = await runCommandLine(cli, args);
  return { code, stdout: stdout.text, stderr: stderr.text };
}

export interface RunningProcess {
  readonly pid: number;
  readonly ended: Promise<Ran>;
  /** Resolves when standard output or error contain the text. */
  said(text: string): Promise<void>;
  /** Everything so far. */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  type(text: string): void;
}

const MAIN = path.resolve(import.meta.dirname, '../main.ts');
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning', MAIN];

export function runProcess(args: readonly string[], env: NodeJS.ProcessEnv = {}, input?: string): RunningProcess {
  return start(NODE, args, env, input);
}

/** The same on a pseudo-terminal of util-linux's `script`; output and errors come as one. */
export function runOnTerminal(args: readonly string[], env: NodeJS.ProcessEnv, rows = 30): RunningProcess {
  const line = [...NODE, ...args].map((word) => `'${word}'`).join(' ');
  return start(['script', '-qefc', `stty cols 100 rows ${rows}; exec ${line}`, '/dev/null'], [], env);
}

export const HAS_SCRIPT = fs.existsSync('/usr/bin/script');

function start(
  command: readonly string[],
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  input?: string,
): RunningProcess {
  const [program = '', ...before] = command;
  const child = spawn(program, [...before, ...args], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk;
    for (const listener of listeners) listener();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk;
    for (const listener of listeners) listener();
  });
  if (input !== undefined) child.stdin.end(input);
  const ended = new Promise<Ran>((resolve) => {
    child.on('close', (code, signal) => resolve({ code: code ?? (signal === null ? -1 : -2), stdout, stderr }));
  });
  return {
    pid: child.pid ?? -1,
    ended,
    said(text) {
      return new Promise((resolve, reject) => {
        const look = () => {
          if (!(stdout + stderr).includes(text)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        void ended.then(() => reject(new Error(`ended without saying ${text}:\n${stdout}\n${stderr}`)));
      });
    },
    output: () => stdout + stderr,
    signal: (signal) => child.kill(signal),
    type: (text) => child.stdin.write(text),
  };
}

const folders = new Set<string>();

process.on('exit', () => {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});

/** A folder that is removed when the test run ends. */
export function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-cli-'));
  folders.add(folder);
  return folder;
}
