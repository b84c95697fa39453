/** Reads the records of a log file, forwards in blocks or backwards from its tail. No reader holds more than a block. */
import type { FileHandle } from 'node:fs/promises';
import { decode, type FileRecord, findMagic, HEADER_BYTES, MAX_DATA_BYTES, TRAILER_BYTES } from './record.ts';

export const BLOCK_BYTES = 256 * 1024;
const MAX_RECORD_BYTES = HEADER_BYTES + MAX_DATA_BYTES + TRAILER_BYTES;

export interface Step {
  /** The whole records that were found. */
  readonly records: readonly FileRecord[];
  /** Where the next step begins. */
  readonly next: number;
  /** Where damage was found and stepped over, if any. */
  readonly damagedAt: number | null;
}

/** The records from `position` up to `end`, about a block of them. Damage is stepped over to the next whole record. */
export async function stepForward(handle: FileHandle, position: number, end: number): Promise<Step> {
  let buffer = await readAt(handle, position, Math.min(end - position, BLOCK_BYTES));
  const records: FileRecord[] = [];
  let damagedAt: number | null = null;
  let at = 0;
  while (at < buffer.byteLength) {
    const decoded = decode(buffer, at);
    if (decoded.kind === 'more' && decoded.more <= end - position - at) {
      if (at > 0) break;
      const before = buffer.byteLength;
      buffer = await readAt(handle, position, decoded.more);
      if (buffer.byteLength > before) continue;
    }
    if (decoded.kind === 'damaged' || decoded.kind === 'more') {
      // Whoever needs more bytes than there are is torn off or lies about its length.
      damagedAt ??= position + at;
      at = nextCandidate(buffer, at, position + buffer.byteLength >= end);
      continue;
    }
    records.push(decoded);
    at += decoded.size;
  }
  return { records, next: position + Math.max(at, 1), damagedAt };
}

/** Where a record may begin after `at`. The start of a magic may be cut off by the end of the block. */
function nextCandidate(buffer: Buffer, at: number, isLastBlock: boolean): number {
  const found = findMagic(buffer, at + 1);
  if (found !== -1) return found;
  return isLastBlock ? buffer.byteLength : Math.max(at + 1, buffer.byteLength - 3);
}

/** The last records before `end` for which `enough` says no, and the one for which it says yes, oldest first. */
export async function takeBackward(
  handle: FileHandle,
  end: number,
  enough: (record: FileRecord) => boolean,
): Promise<FileRecord[]> {
  const records: FileRecord[] = [];
  await walkBackward(handle, end, (record) => {
    records.push(record);
    return enough(record);
  });
  return records.reverse();
}

/**
 * Shows the records before `end`, the last one first, until `enough` says so. Answers where that record begins, or null
 * if it came to the beginning of the file or to damage before.
 */
export async function walkBackward(
  handle: FileHandle,
  end: number,
  enough: (record: FileRecord) => boolean,
): Promise<number | null> {
  let blockStart = end;
  let block = Buffer.alloc(0);
  const need = async (from: number): Promise<void> => {
    if (from >= blockStart) return;
    const start = Math.max(0, Math.min(from, blockStart - BLOCK_BYTES));
    block = Buffer.concat([await readAt(handle, start, blockStart - start), block.subarray(0, position - blockStart)]);
    blockStart = start;
  };
  let position = end;
  while (position >= HEADER_BYTES + TRAILER_BYTES) {
    await need(position - TRAILER_BYTES);
    const size = HEADER_BYTES + block.readUInt32LE(position - TRAILER_BYTES - blockStart) + TRAILER_BYTES;
    if (size > MAX_RECORD_BYTES || size > position) break;
    await need(position - size);
    const record = decode(block, position - size - blockStart);
    if (record.kind === 'damaged' || record.kind === 'more') break;
    position -= size;
    if (enough(record)) return position;
  }
  return null;
}

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) return buffer.subarray(0, filled);
    filled += bytesRead;
  }
  return buffer;
}
