/**
 * The file of one attempt's log is a row of records, in order of arrival:
 *
 *   magic u32 | crc u32 | kind u8, 3 × 0 | length u32 | at f64 | offset f64 | data | length u32
 *
 * The checksum covers everything after itself. The length is repeated at the end, so that the file can be walked from
 * its tail. `offset` is the position of the first byte in its stream; a record that ends a stream has the length of the
 * stream there, and as data the number of bytes that were dropped, as f64. One that seals the log has no data.
 */
import { crc32 } from 'node:zlib';
import type { LogRecord } from '../context.ts';

export type StreamName = LogRecord['stream'];

export const KIND = { stdout: 1, stderr: 2, stdoutEnd: 3, stderrEnd: 4, seal: 5 } as const;
type Kind = (typeof KIND)[keyof typeof KIND];

const MAGIC = 0x31474f4c;
export const HEADER_BYTES = 32;
export const TRAILER_BYTES = 4;
/** What is written never exceeds a quarter of this; what is larger is damage. */
export const MAX_DATA_BYTES = 4 * 2 ** 20;

export interface FileRecord {
  readonly kind: Kind;
  readonly stream: StreamName;
  /** It ends a stream or seals the log, and holds no bytes of either stream. */
  readonly isMark: boolean;
  readonly at: number;
  readonly offset: number;
  readonly data: Buffer;
  /** Of the whole record in the file. */
  readonly size: number;
}

/** The buffers of one record, `parts` untouched between them. */
export function encode(kind: Kind, at: number, offset: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(kind, 8);
  header.writeUInt32LE(length, 12);
  header.writeDoubleLE(at, 16);
  header.writeDoubleLE(offset, 24);
  const trailer = Buffer.allocUnsafe(TRAILER_BYTES);
  trailer.writeUInt32LE(length, 0);
  let crc = crc32(header.subarray(8));
  for (const part of parts) crc = crc32(part, crc);
  header.writeUInt32LE(crc32(trailer, crc), 4);
  return [header, ...parts, trailer];
}

export function encodeEnd(stream: StreamName, at: number, length: number, dropped: number): Uint8Array[] {
  const data = Buffer.allocUnsafe(8);
  data.writeDoubleLE(dropped);
  return encode(stream === 'stdout' ? KIND.stdoutEnd : KIND.stderrEnd, at, length, [data]);
}

export function encodeSeal(at: number, stdoutLength: number): Uint8Array[] {
  return encode(KIND.seal, at, stdoutLength, []);
}

/** `more`: how many bytes the buffer has to have from `at` on. */
export type Decoded = FileRecord | { readonly kind: 'more'; readonly more: number } | { readonly kind: 'damaged' };

export function decode(buffer: Buffer, at: number): Decoded {
  if (buffer.byteLength - at < HEADER_BYTES) return { kind: 'more', more: HEADER_BYTES };
  const length = buffer.readUInt32LE(at + 12);
  const kind = buffer.readUInt32LE(at + 8);
  if (buffer.readUInt32LE(at) !== MAGIC || length > MAX_DATA_BYTES || !isKind(kind)) return DAMAGED;
  const size = HEADER_BYTES + length + TRAILER_BYTES;
  if (buffer.byteLength - at < size) return { kind: 'more', more: size };
  if (crc32(buffer.subarray(at + 8, at + size)) !== buffer.readUInt32LE(at + 4)) return DAMAGED;
  const data = buffer.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
  const isEnd = kind === KIND.stdoutEnd || kind === KIND.stderrEnd;
  if (isEnd && length !== 8) return DAMAGED;
  return {
    kind,
    stream: kind === KIND.stderr || kind === KIND.stderrEnd ? 'stderr' : 'stdout',
    isMark: isEnd || kind === KIND.seal,
    at: buffer.readDoubleLE(at + 16),
    offset: buffer.readDoubleLE(at + 24),
    data,
    size,
  };
}

/** The next place after `at` where a record may begin, or -1. */
export function findMagic(buffer: Buffer, at: number): number {
  return buffer.indexOf(MAGIC_BYTES, at);
}

const DAMAGED = { kind: 'damaged' } as const;
const MAGIC_BYTES = Buffer.alloc(4);
MAGIC_BYTES.writeUInt32LE(MAGIC);

function isKind(kind: number): kind is Kind {
  return kind >= KIND.stdout && kind <= KIND.seal;
}
