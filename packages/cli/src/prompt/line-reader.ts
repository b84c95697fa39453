import readline from 'node:readline';

export type Completer = (line: string) => Promise<readonly [string[], string]>;

export interface LineReaderOptions {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  readonly completer: Completer;
  readonly history: () => string[];
}

/**
 * Reads lines for the prompt. At a terminal every line gets a readline interface of its own that is closed before the
 * command runs: the terminal is then in its usual mode, Ctrl-C is a signal again, and commands may read keys. Lines
 * that arrived together (a paste) and what was typed ahead are kept. Without a terminal one interface serves all.
 */
export class LineReader {
  readonly #options: LineReaderOptions;
  #pending: string[] = [];
  #typed = '';
  #piped: AsyncIterator<string> | null = null;
  #face: readline.Interface | null = null;

  constructor(options: LineReaderOptions) {
    this.#options = options;
  }

  /** The next line; null at the end of the input (Ctrl-D); '' after Ctrl-C. */
  async next(prompt: string): Promise<string | null> {
    const ready = this.#pending.shift();
    if (ready !== undefined) return ready;
    return this.#options.input.isTTY ? this.#ask(prompt) : this.#nextPiped();
  }

  /** Gives the terminal back while nobody has finished a line. */
  close(): void {
    this.#face?.close();
  }

  async #nextPiped(): Promise<string | null> {
    this.#face ??= readline.createInterface({ input: this.#options.input });
    this.#piped ??= this.#face[Symbol.asyncIterator]();
    const { done, value } = await this.#piped.next();
    return done === true ? null : value;
  }

  #ask(prompt: string): Promise<string | null> {
    const { input, output, completer, history } = this.#options;
    // Ctrl-D while a command ran: nobody will say again that the input has ended.
    if (input.readableEnded || input.destroyed) return Promise.resolve(null);
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const lines: string[] = [];
    const face = readline.createInterface({
      input,
      output,
      prompt,
      terminal: true,
      history: history(),
      historySize: 1000,
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: Error | null, result?: readonly [string[], string]) => void) => {
        completer(line).then(
          (result) => done(null, result),
          () => done(null, [[], line]),
        );
      },
    } as readline.ReadLineOptions);
    this.#face = face;
    face.on('line', (line) => {
      lines.push(line);
      // Further lines of the same chunk are emitted before this runs.
      if (lines.length === 1) setImmediate(finish, true);
    });
    face.on('SIGINT', () => {
      face.write(null, { ctrl: true, name: 'u' });
      output.write('^C\n');
      finish(false);
    });
    face.on('close', () => resolve(lines.length === 0 ? null : ''));
    const finish = (answered: boolean) => {
      this.#typed = answered ? face.line : '';
      resolve(answered ? (lines.shift() ?? '') : '');
      this.#pending.push(...lines);
      face.close();
    };
    face.prompt();
    if (this.#typed !== '') face.write(this.#typed);
    this.#typed = '';
    return promise;
  }
}
