/**
 * A log as rows for the screen, from the records of the API. Bounded: beyond `MOST_ROWS` the oldest go, counted, so a
 * page that follows a chatty task for days does not grow.
 */
import { bytesOf, type LogRecord } from '@cloudai/sdk';
import { type AnsiStyle, PLAIN, parseAnsi } from '../ansi/ansi.ts';

export type Stream = 'stdout' | 'stderr';

export type LogRow =
  | {
      readonly kind: 'line';
      readonly key: number;
      readonly attempt: number;
      readonly stream: Stream;
      readonly at: string;
      readonly text: string;
      /** In which the line before it ended. */
      readonly style: AnsiStyle;
    }
  | { readonly kind: 'note'; readonly key: number; readonly text: string };

export const MOST_ROWS = 100_000;
/** Removed at once, so that not every further line costs a shift. */
const REMOVED_AT_ONCE = 10_000;
/** Of a line; what is longer is no text for people and would hold up the browser. */
export const MOST_CHARACTERS = 16_384;

interface OpenLine {
  index: number;
  style: AnsiStyle;
}

export class LogBuffer {
  rows: LogRow[] = [];
  /** Rows that had to go. */
  removed = 0;
  /** Whether there is more of the log before the first row. */
  isPartial = false;
  hasEnded = false;
  readonly #open = new Map<Stream, OpenLine>();
  readonly #styles = new Map<Stream, AnsiStyle>();
  readonly #decoders = new Map<Stream, TextDecoder>();
  #attempt = 0;
  #seen = new Set<Stream>();
  #key = 0;

  push(record: LogRecord): void {
    switch (record.kind) {
      case 'data':
        this.#enter(record.attempt);
        if (!this.#seen.has(record.stream)) {
          this.#seen.add(record.stream);
          if (record.offset > 0) this.isPartial = true;
        }
        this.#text(record.stream, record.at, 'text' in record ? record.text : this.#decode(record));
        break;
      case 'dropped':
        this.#enter(record.attempt);
        this.#note(`${record.bytes.toLocaleString('en')} bytes beyond the log limit were dropped here`);
        break;
      case 'attempt':
        this.#enter(record.attempt);
        this.#note(`Attempt ${record.attempt} on ${record.worker}`);
        break;
      case 'end':
        this.hasEnded = true;
        this.#note(endText(record));
        break;
    }
    if (this.rows.length > MOST_ROWS) this.#shorten();
  }

  #enter(attempt: number): void {
    if (attempt === this.#attempt) return;
    this.#attempt = attempt;
    this.#open.clear();
    this.#styles.clear();
    this.#decoders.clear();
    this.#seen.clear();
  }

  #decode(record: Parameters<typeof bytesOf>[0]): string {
    let decoder = this.#decoders.get(record.stream);
    if (decoder === undefined) {
      decoder = new TextDecoder();
      this.#decoders.set(record.stream, decoder);
    }
    return decoder.decode(bytesOf(record), { stream: true });
  }

  /** Up to the last line end the lines are whole; what follows is an open line that later text continues. */
  #text(stream: Stream, at: string, text: string): void {
    const parts = text.split('\n');
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      if (!isLast || part !== '') this.#append(stream, at, part);
      if (!isLast) this.#open.delete(stream);
    }
  }

  #append(stream: Stream, at: string, part: string): void {
    const open = this.#open.get(stream);
    const before = open === undefined ? undefined : this.rows[open.index];
    if (open !== undefined && before?.kind === 'line') {
      const text = cut(before.text + part);
      this.rows[open.index] = { ...before, text };
      this.#styles.set(stream, styleAfter(text, open.style));
      return;
    }
    const style = this.#styles.get(stream) ?? PLAIN;
    const line = cut(part);
    this.rows.push({ kind: 'line', key: this.#key++, attempt: this.#attempt, stream, at, text: line, style });
    this.#open.set(stream, { index: this.rows.length - 1, style });
    this.#styles.set(stream, styleAfter(line, style));
  }

  #note(text: string): void {
    this.#open.clear();
    this.rows.push({ kind: 'note', key: this.#key++, text });
  }

  #shorten(): void {
    this.rows = this.rows.slice(REMOVED_AT_ONCE);
    this.removed += REMOVED_AT_ONCE;
    for (const open of this.#open.values()) open.index -= REMOVED_AT_ONCE;
  }
}

function cut(text: string): string {
  return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}…`;
}

/** Most lines have no escapes, and then nothing is parsed before they come into sight. */
function styleAfter(text: string, style: AnsiStyle): AnsiStyle {
  return text.includes('\x1b') || text.includes('\x9b') ? parseAnsi(text, style).end : style;
}

function endText({ state, exitCode, message }: Extract<LogRecord, { kind: 'end' }>): string {
  const code = exitCode === null ? '' : ` with exit code ${exitCode}`;
  return `The task ${state === 'cancelled' ? 'was cancelled' : state}${code}${message === null ? '' : `: ${message}`}`;
}
