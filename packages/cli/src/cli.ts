import type { CloudAI, RetryNotice } from '@cloudai/sdk';
import { type ContextFile, contextPath, readContextFile } from './context-file.ts';
import { CliError, Interrupted } from './errors.ts';
import type { Output } from './output/output.ts';

/** Half a minute with the client's waits: a master that restarts on a loaded machine. */
const PATIENT_REPEATS = 12;
const BRISK_REPEATS = 2;

/** Package managers pass Ctrl-C on to a process that has had it from the terminal: so soon after, it is the same one. */
const ECHO_MS = 200;

/** Options that every command which speaks to the master takes. */
export interface SharedOptions {
  readonly url?: string;
  readonly token?: string;
  readonly namespace?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface CliOptions {
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  /** The `master>` prompt runs the commands, not a shell. */
  readonly isPrompt?: boolean;
  /** Used instead of the context file: `dev` knows its own cluster. */
  readonly context?: ContextFile;
}

/** What a command works with: output, the client of its cluster, Ctrl-C, and the exit code it leaves. */
export class Cli {
  readonly out: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly isPrompt: boolean;
  exitCode = 0;
  /** The process is not to wait for what is still open, such as connections of others. */
  endsAtOnce = false;
  /** Ctrl-C belongs to what runs inside (the prompt), however often it is pressed. */
  keepsCtrlC = false;
  shared: SharedOptions = {};
  readonly #context: ContextFile | null;
  readonly #interrupt = new AbortController();
  #interruptedAt = 0;
  #onInterrupt: ((signal: StopSignal) => void) | null = null;

  constructor(options: CliOptions) {
    this.out = options.out;
    this.env = options.env;
    this.isPrompt = options.isPrompt ?? false;
    this.#context = options.context ?? null;
  }

  get json(): boolean {
    return this.shared.json === true;
  }

  get quiet(): boolean {
    return this.shared.quiet === true;
  }

  /** Fires with Ctrl-C or SIGTERM, unless the command took that over. */
  get signal(): AbortSignal {
    return this.#interrupt.signal;
  }

  /** Ctrl-C or a signal that asks this process to end. */
  interrupt(signal: StopSignal): void {
    const now = Date.now();
    const isEcho = signal === 'SIGINT' && now - this.#interruptedAt < ECHO_MS;
    this.#interruptedAt = now;
    if (isEcho) return;
    if (this.#onInterrupt !== null) this.#onInterrupt(signal);
    else this.#interrupt.abort(new Interrupted(signal));
  }

  /** For a command that has something to finish first. Null gives it back. */
  takeInterrupts(listener: ((signal: StopSignal) => void) | null): void {
    this.#onInterrupt = listener;
  }

  /** Flags win over the environment, that over the file. A cluster that was given to the constructor ignores both others. */
  async context(): Promise<ContextFile> {
    const { shared } = this;
    const env = this.#context === null ? this.env : {};
    const stored = this.#context ?? (await readContextFile(this.env));
    const asked = shared.url ?? env.CLOUDAI_URL;
    const url = withScheme(asked === undefined || asked === '' ? (stored?.url ?? '') : asked);
    if (url === '') throw this.#noCluster();
    // A token is shown to nobody but the cluster that it belongs to.
    const own = stored !== null && withScheme(stored.url) === url ? stored : null;
    return {
      url,
      token: shared.token ?? env.CLOUDAI_TOKEN ?? own?.token ?? null,
      ca: own?.ca ?? null,
      namespace: shared.namespace ?? env.CLOUDAI_NAMESPACE ?? own?.namespace ?? null,
    };
  }

  #noCluster(): CliError {
    const ways = `--url and --token, CLOUDAI_URL and CLOUDAI_TOKEN, or ${contextPath(this.env)}`;
    return new CliError(
      'usage',
      'no cluster is configured',
      `Start one on this machine with \`cloudai dev\`, or name one: ${ways}.`,
    );
  }

  /** `patient` waits for a master that restarts; without it a person learns quickly that none is there. */
  async client(patience: 'patient' | 'brisk' = 'brisk'): Promise<CloudAI> {
    const { url, token, ca, namespace } = await this.context();
    // Loaded only when it is needed: `version` and `--help` start twice as quickly without it.
    const { CloudAI } = await import('@cloudai/sdk');
    return new CloudAI({
      retry: { limit: patience === 'patient' ? PATIENT_REPEATS : BRISK_REPEATS },
      url,
      token,
      ca,
      namespace,
      userAgent: 'cloudai-cli',
      onRetry: (notice) => this.#sayRetry(notice),
    });
  }

  #sayRetry({ error, attempt, limit, waitMs }: RetryNotice): void {
    if (this.json || this.quiet) return;
    this.out.note(`${error.message}; trying again in ${(waitMs / 1000).toFixed(1)} s (${attempt}/${limit})`);
  }
}

function withScheme(url: string): string {
  return url === '' || /^https?:\/\//.test(url) ? url : `http://${url}`;
}
