/** A log on its way to an HTTP client: NDJSON records, or the bytes as they are. */
import { isUtf8 } from 'node:buffer';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LogLine } from '@cloudai/api/rest';
import type { LogPiece, LogReading } from '../operations/index.ts';
import { time } from '../views.ts';
import type { OpenStream } from './stream-book.ts';

/** Small pieces are sent together up to this, as long as they are there without waiting. */
const CHUNK_BYTES = 64 * 1024;

export async function sendLog(
  response: ServerResponse,
  headers: Readonly<Record<string, string>>,
  reading: LogReading,
  stream: OpenStream,
): Promise<void> {
  const isText = reading.format === 'text';
  response.writeHead(200, {
    ...headers,
    'content-type': isText ? 'text/plain; charset=utf-8' : 'application/x-ndjson; charset=utf-8',
    ...(isText ? { 'content-disposition': `attachment; filename="${reading.taskId}.log"` } : {}),
  });
  // The reader learns at once that the log is open, even when nothing is written for a while.
  response.flushHeaders();
  const encoded = isText ? textOf(reading, stream) : ndjsonOf(reading, stream);
  await pipeline(Readable.from(encoded, { objectMode: false, highWaterMark: CHUNK_BYTES }), response);
}

/** The server ended a stream that can not say so in its own form. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

async function* textOf(reading: LogReading, stream: OpenStream): AsyncGenerator<Uint8Array> {
  for await (const piece of reading.pieces(stream.signal)) if (piece.kind === 'data') yield piece.data;
  // Bytes have no place for a hint, and a proper end would pass for the end of the log: so the transfer breaks off.
  const reason = stream.interruption();
  if (reason !== null) throw new Interrupted(reason);
}

async function* ndjsonOf(reading: LogReading, stream: OpenStream): AsyncGenerator<string> {
  const joiner = new CharacterJoiner();
  for await (const piece of reading.pieces(stream.signal)) {
    for (const whole of joiner.join(piece)) yield `${JSON.stringify(lineOf(whole))}\n`;
  }
  const reason = stream.interruption();
  for (const rest of joiner.rest()) yield `${JSON.stringify(lineOf(rest))}\n`;
  if (reason !== null) yield `${JSON.stringify({ kind: 'interrupted', message: reason } satisfies LogLine)}\n`;
}

type DataPiece = Extract<LogPiece, { kind: 'data' }>;

export function lineOf(piece: LogPiece): LogLine {
  if (piece.kind !== 'data') return piece;
  const { attempt, stream, offset, at, data } = piece;
  const base = { kind: 'data', attempt, stream, offset, at: time(at) } as const;
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return isUtf8(bytes) ? { ...base, text: bytes.toString('utf8') } : { ...base, base64: bytes.toString('base64') };
}

/**
 * Pieces end where the worker happened to read, which may be inside a character. The first bytes of such a character
 * wait for the rest, at most three per stream, so that text stays text.
 */
export class CharacterJoiner {
  readonly #held = new Map<string, DataPiece>();

  join(piece: LogPiece): LogPiece[] {
    if (piece.kind !== 'data') return [...this.rest(), piece];
    const held = this.#held.get(piece.stream);
    this.#held.delete(piece.stream);
    const follows =
      held !== undefined && held.attempt === piece.attempt && held.offset + held.data.length === piece.offset;
    const whole = follows ? { ...piece, offset: held.offset, data: Buffer.concat([held.data, piece.data]) } : piece;
    const before = held === undefined || follows ? [] : [held];
    const length = openCharacter(whole.data);
    if (length === 0) return [...before, whole];
    const cut = whole.data.length - length;
    this.#held.set(piece.stream, { ...whole, offset: whole.offset + cut, data: whole.data.subarray(cut) });
    return cut === 0 ? before : [...before, { ...whole, data: whole.data.subarray(0, cut) }];
  }

  rest(): LogPiece[] {
    const pieces = [...this.#held.values()];
    this.#held.clear();
    return pieces;
  }
}

/** How many bytes at the end begin a UTF-8 character that is not finished. */
function openCharacter(data: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= data.length; back++) {
    const byte = data[data.length - back]!;
    if ((byte & 0xc0) === 0x80) continue;
    const needs = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc2 ? 2 : 1;
    return byte < 0xf8 && needs > back ? back : 0;
  }
  return 0;
}
