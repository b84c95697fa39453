/** Places in a log: an offset in each of its streams, and where in the file it is. */
import type { FileHandle } from 'node:fs/promises';
import type { LogOffsets, LogRecord } from '../context.ts';
import type { LogFile } from './log-file.ts';
import type { FileRecord } from './record.ts';
import { walkBackward } from './walk.ts';

export const BEGINNING: LogOffsets = { stdout: 0, stderr: 0 };

/** What of the record lies at `from` or behind, or null if nothing does. */
export function recordFrom(record: FileRecord, from: number): LogRecord | null {
  const { stream, offset, at, data } = record;
  if (offset >= from) return { stream, offset, at, data };
  return offset + data.byteLength > from ? { stream, offset: from, at, data: data.subarray(from - offset) } : null;
}

/** Where reading has to begin so that nothing behind `from` is missed. */
export async function placeOf(handle: FileHandle, file: LogFile, from: LogOffsets): Promise<number> {
  const { size, readable } = file;
  // From the nearer end: a resumed follower is mostly close to the last byte.
  if (2 * (from.stdout + from.stderr) < readable.stdout + readable.stderr) return 0;
  const wanted = new Set((['stdout', 'stderr'] as const).filter((stream) => from[stream] < readable[stream]));
  if (wanted.size === 0) return size;
  const found = await walkBackward(handle, size, ({ isMark, stream, offset }) => {
    if (!isMark && offset <= from[stream]) wanted.delete(stream);
    return wanted.size === 0;
  });
  return found ?? 0;
}
