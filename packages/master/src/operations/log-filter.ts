/** Which lines of a log a reader wants. */
import type { OperationInput } from '@cloudai/api/rest';
import type { LogRecord } from '../context.ts';
import { linearPattern, MAX_MATCHED_BYTES } from './pattern.ts';
import { invalid } from './rejected.ts';
import { readDuration } from './submission.ts';

export interface LogFilter {
  readonly stream: LogRecord['stream'] | null;
  /** Unix ms. */
  readonly since: number | null;
  /** The last lines, or null for all. */
  readonly tail: number | null;
  /** Whether a line's bytes match; null: every line does. */
  readonly matches: ((line: Uint8Array) => boolean) | null;
}

export function readLogFilter(input: OperationInput<'readLogs'>, now: number): LogFilter {
  const tests: ((line: Buffer) => boolean)[] = [];
  if (input.grep !== undefined) {
    const wanted = Buffer.from(input.grep);
    tests.push((line) => line.includes(wanted));
  }
  if (input.regex !== undefined) {
    const pattern = linearPattern(input.regex);
    tests.push((line) => pattern.test(line.toString('utf8', 0, MAX_MATCHED_BYTES).replace(/\r?\n$/, '')));
  }
  return {
    stream: input.stream ?? null,
    since: input.since === undefined ? null : readSince(input.since, now),
    tail: input.tail ?? null,
    matches: tests.length === 0 ? null : (line) => tests.every((test) => test(asBuffer(line))),
  };
}

/** Whether the pieces have to be cut into lines at all. */
export function needsLines(filter: LogFilter): boolean {
  return filter.matches !== null || filter.since !== null || filter.tail !== null;
}

export function keeps(filter: LogFilter, line: LogRecord): boolean {
  if (filter.since !== null && line.at < filter.since) return false;
  return filter.matches === null || filter.matches(line.data);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readSince(text: string, now: number): number {
  if (/^\d{4}-/.test(text)) {
    const time = Date.parse(text);
    if (Number.isNaN(time))
      throw invalid('since', `${text} is not a time; write 2027-01-31T12:00:00Z, or 10m for the last ten minutes`);
    return time;
  }
  return now - readDuration(text, 'since', { zero: true })!;
}
