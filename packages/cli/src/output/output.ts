import type { Writable } from 'node:stream';
import pc from 'picocolors';

export type Colors = ReturnType<typeof pc.createColors>;

export interface OutputStreams {
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
}

/** Where a command writes: results to stdout, everything said to a person on the side to stderr. */
export class Output {
  readonly #streams: OutputStreams;
  readonly colors: Colors;

  constructor(streams: OutputStreams, env: NodeJS.ProcessEnv) {
    this.#streams = streams;
    this.colors = pc.createColors(wantsColor(streams, env));
  }

  get isTerminal(): boolean {
    return this.#streams.stdout.isTTY === true;
  }

  /** Columns of the terminal; null when nobody looks at it, so nothing needs to fit. */
  get width(): number | null {
    if (!this.isTerminal) return null;
    // A terminal of unknown size reports 0.
    return this.#streams.stdout.columns || 80;
  }

  get height(): number {
    return this.#streams.stdout.rows || 24;
  }

  print(text: string): void {
    this.#streams.stdout.write(`${text}\n`);
  }

  json(value: unknown): void {
    this.print(JSON.stringify(value, null, 2));
  }

  /** Exactly these bytes. Waits while the reader is slower than the writer. */
  write(data: Uint8Array | string, to: 'stdout' | 'stderr' = 'stdout'): Promise<void> | undefined {
    const stream = this.#streams[to];
    if (stream.write(data)) return undefined;
    return new Promise((resolve) => stream.once('drain', resolve));
  }

  /** A short line beside the result: progress, hints. */
  note(text: string): void {
    this.#streams.stderr.write(`${text}\n`);
  }

  error(text: string): void {
    this.#streams.stderr.write(text);
  }
}

function wantsColor(streams: OutputStreams, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0') return true;
  return streams.stdout.isTTY === true && env.TERM !== 'dumb';
}
