import type { LogFile } from './log-file.ts';

/** Waits for the next change of a log, or the signal. A change that came while nobody waited is not lost. */
export class LogChange {
  readonly #file: LogFile;
  readonly #signal: AbortSignal | undefined;
  #changed = false;
  #resolve: (() => void) | null = null;
  readonly #tell = (): void => {
    this.#changed = true;
    this.#resolve?.();
  };

  constructor(file: LogFile, signal: AbortSignal | undefined) {
    this.#file = file;
    this.#signal = signal;
    file.listeners.add(this.#tell);
    signal?.addEventListener('abort', this.#tell);
  }

  get over(): boolean {
    return this.#file.removed || this.#signal?.aborted === true;
  }

  async next(): Promise<void> {
    if (!this.#changed) await new Promise<void>((resolve) => (this.#resolve = resolve));
    this.#changed = false;
    this.#resolve = null;
  }

  end(): void {
    this.#file.listeners.delete(this.#tell);
    this.#signal?.removeEventListener('abort', this.#tell);
  }
}
