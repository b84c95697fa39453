import fs from 'node:fs';
import path from 'node:path';

/** Lines kept, in memory and in the file. */
const MAX_LINES = 1000;

/** The lines of earlier prompts, newest first as readline wants them. The file is its owner's alone. */
export class History {
  readonly #file: string;
  #lines: string[];

  constructor(file: string) {
    this.#file = file;
    this.#lines = read(file);
  }

  get newestFirst(): string[] {
    return this.#lines.toReversed();
  }

  /** Repeats of the line before and lines with a secret are left out. */
  add(line: string): void {
    const text = line.trim();
    if (text === '' || text === this.#lines.at(-1) || /--token\b|\bcai_|\bCAIJ1\./.test(text)) return;
    this.#lines.push(text);
    try {
      fs.mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
      if (this.#lines.length > MAX_LINES) {
        this.#lines = this.#lines.slice(-MAX_LINES);
        fs.writeFileSync(this.#file, `${this.#lines.join('\n')}\n`, { mode: 0o600 });
      } else {
        fs.appendFileSync(this.#file, `${text}\n`, { mode: 0o600 });
      }
    } catch {
      // A history that cannot be kept is no reason to refuse a command.
    }
  }
}

function read(file: string): string[] {
  try {
    fs.chmodSync(file, 0o600);
    return fs
      .readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .slice(-MAX_LINES);
  } catch {
    return []; // The first prompt, or an unreadable file: begin anew.
  }
}
