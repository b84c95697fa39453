/**
 * Where a reader of a log stands, so that after a broken connection the same log can be read again from the start of
 * its history and everything already delivered is left out: no gap, no repeat.
 *
 * The server answers records of an attempt in order of arrival, the same order every time. So a replay is recognised
 * by (attempt, stream, offset): records before the first one that was delivered (a `tail` leaves those out) are
 * skipped as a block, later ones by the next offset of their stream.
 */
import type { LogLine } from '@cloudai/api/rest';
import { bytesOf } from './log-bytes.ts';

/** What a reader gets: interruptions are dealt with before. */
export type LogRecord = Exclude<LogLine, { kind: 'interrupted' }>;
export type LogData = Extract<LogLine, { kind: 'data' }>;

export class LogPosition {
  #attempt = 0;
  #next = new Map<string, number>();
  /** The first record delivered of the current attempt. */
  #first: { readonly stream: string; readonly offset: number } | null = null;
  #dropped = 0;
  /** In a replay: the first delivered record has not come by yet. */
  #searching = false;
  #droppedInReplay = 0;

  /** The newest attempt of which something was delivered; 0 before. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Whether a replay can tell from the records alone where it left off. */
  get hasDelivered(): boolean {
    return this.#attempt > 0;
  }

  /** The newest attempt, and of its streams the byte after the last that was delivered, where there was one. */
  get next(): { readonly attempt: number; readonly stdout: number | undefined; readonly stderr: number | undefined } {
    return { attempt: this.#attempt, stdout: this.#next.get('stdout'), stderr: this.#next.get('stderr') };
  }

  /** Called before the log is read once more, from its beginning unless it is known to go on where it broke off. */
  startReplay(fromBeginning = true): void {
    this.#searching = fromBeginning && this.#first !== null;
    this.#droppedInReplay = 0;
  }

  /** The part of a record that was not delivered yet, or null. What it returns counts as delivered. */
  advance(line: LogRecord): LogRecord | null {
    switch (line.kind) {
      case 'data':
        return this.#advanceData(line);
      case 'dropped':
        if (line.attempt < this.#attempt) return null;
        this.#enter(line.attempt);
        this.#droppedInReplay++;
        if (this.#droppedInReplay <= this.#dropped) return null;
        this.#dropped = this.#droppedInReplay;
        return line;
      case 'attempt':
        if (line.attempt <= this.#attempt) return null;
        this.#enter(line.attempt);
        return line;
      case 'end':
        return line;
    }
  }

  #advanceData(line: LogData): LogData | null {
    if (line.attempt < this.#attempt) return null;
    const length = bytesOf(line).length;
    this.#enter(line.attempt);
    if (this.#searching && this.#first !== null) {
      if (line.stream !== this.#first.stream || line.offset + length <= this.#first.offset) return null;
      this.#searching = false;
    }
    this.#first ??= { stream: line.stream, offset: line.offset };
    const next = this.#next.get(line.stream) ?? line.offset;
    const end = line.offset + length;
    if (length > 0 && end <= next) return null;
    this.#next.set(line.stream, end);
    return line.offset >= next ? line : cut(line, next - line.offset);
  }

  #enter(attempt: number): void {
    if (attempt === this.#attempt) return;
    this.#attempt = attempt;
    this.#next.clear();
    this.#dropped = 0;
    this.#droppedInReplay = 0;
    this.#first = null;
    this.#searching = false;
  }
}

/** The record without its first `count` bytes. */
function cut(line: LogData, count: number): LogData {
  const { attempt, stream, at } = line;
  const rest = bytesOf(line).subarray(count);
  const offset = line.offset + count;
  try {
    return {
      kind: 'data',
      attempt,
      stream,
      offset,
      at,
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(rest),
    };
  } catch {
    return { kind: 'data', attempt, stream, offset, at, base64: toBase64(rest) };
  }
}

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
