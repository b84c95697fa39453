/** Which lines of a log a reader wants. */
import type { OperationInput } from '@cloudai/api/rest';
import type { LogRecord } from '../context.ts';
import { linearPattern, MAX_MATCHED_BYTES } from './pattern.ts';
import { invalid } from './rejected.ts';
import { readMoment } from './submission.ts';

export interface LogFilter {
  readonly stream: LogRecord['stream'] | null;
  /** Unix ms. */
  readonly since: number | null;
  /** Unix ms, exclusive. */
  readonly until: number | null;
  /** A part of one stream, in bytes; null: all of what the rest lets through. */
  readonly range: { readonly from: number; readonly bytes: number } | null;
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
    since: input.since === undefined ? null : readMoment(input.since, 'since', now),
    until: input.until === undefined ? null : readMoment(input.until, 'until', now),
    range: readRange(input),
    tail: input.tail ?? null,
    matches: tests.length === 0 ? null : (line) => tests.every((test) => test(asBuffer(line))),
  };
}

/** Whether the pieces have to be cut into lines at all. */
export function needsLines(filter: LogFilter): boolean {
  return filter.matches !== null || filter.since !== null || filter.until !== null || filter.tail !== null;
}

export function keeps(filter: LogFilter, line: LogRecord): boolean {
  if (filter.since !== null && line.at < filter.since) return false;
  if (filter.until !== null && line.at >= filter.until) return false;
  return filter.matches === null || filter.matches(line.data);
}

function readRange({ stream, offset, bytes, tail }: OperationInput<'readLogs'>): LogFilter['range'] {
  if (offset === undefined && bytes === undefined) return null;
  const name = offset === undefined ? 'bytes' : 'offset';
  if (stream === undefined) throw invalid(name, 'counts the bytes of one stream; say which with stream');
  if (tail !== undefined) throw invalid(name, 'and tail exclude each other');
  return { from: offset ?? 0, bytes: bytes ?? Number.POSITIVE_INFINITY };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
