/**
 * Takes Docker's multiplexed streams apart: frames of an 8-byte header (stream, length) and a payload.
 *
 * An attached container gives its bytes as they are. A stored log gives entries, and those are asked for with time
 * stamps, for two reasons. Docker splits long lines into entries of 16 KiB, and a line whose length is a multiple of
 * that comes back without its newline (seen with engine 20.10): its last entry is then empty, which only shows when a
 * stamp makes it a frame. And the stamp of the first entry tells whether the beginning of the log was rotated away.
 */
import type { LogData } from '../runtime.ts';

const HEADER_BYTES = 8;
const STDOUT = 1;
const STDERR = 2;
const SPACE = 0x20;
/** `2006-01-02T15:04:05.000000000Z` is 30 bytes; with a zone instead of the Z it is 35. */
const MAX_STAMP_BYTES = 40;
const NEWLINE = new Uint8Array([0x0a]);

export class LogFrames {
  readonly #isStamped: boolean;
  #pending: Buffer = Buffer.alloc(0);
  #firstStamp: string | null = null;

  constructor(kind: 'attached' | 'stored') {
    this.#isStamped = kind === 'stored';
  }

  /** The time stamp of the first entry of a stored log. */
  get firstStamp(): string | null {
    return this.#firstStamp;
  }

  /** True when the stream ended in the middle of a frame, or with one that is none. */
  get isTorn(): boolean {
    return this.#pending.byteLength > 0;
  }

  /** The contents of the frames that are complete with these bytes; neighbours of one stream are joined. */
  push(bytes: Buffer): LogData[] {
    const input = this.#pending.byteLength === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const pieces: LogData[] = [];
    let run: Uint8Array[] = [];
    let runStream = 0;
    let at = 0;
    while (input.byteLength - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + input.readUInt32BE(at + 4);
      if (end > input.byteLength) break;
      const stream = input[at]!;
      if (stream !== STDOUT && stream !== STDERR) {
        if (at > 0) break; // What came before it is good.
        const text = input.toString('utf8', at + HEADER_BYTES, end);
        throw new Error(`Docker's log has a frame of the unknown kind ${stream}: ${text}`);
      }
      if (stream !== runStream) {
        flush(pieces, runStream, run);
        run = [];
        runStream = stream;
      }
      run.push(this.#content(input, at + HEADER_BYTES, end));
      at = end;
    }
    flush(pieces, runStream, run);
    // Copied, so that a small rest does not keep the large buffer that it came in.
    this.#pending = at === input.byteLength ? Buffer.alloc(0) : Buffer.from(input.subarray(at));
    return pieces;
  }

  #content(input: Buffer, start: number, end: number): Uint8Array {
    if (!this.#isStamped) return input.subarray(start, end);
    const space = input.indexOf(SPACE, start);
    if (space === -1 || space >= Math.min(end, start + MAX_STAMP_BYTES)) {
      throw new Error('an entry of Docker’s log has no time stamp');
    }
    this.#firstStamp ??= input.toString('latin1', start, space);
    return space + 1 === end ? NEWLINE : input.subarray(space + 1, end);
  }
}

function flush(pieces: LogData[], stream: number, run: readonly Uint8Array[]): void {
  if (run.length === 0) return;
  // Buffer.concat copies: a piece that waits for the master must not keep the stamps and headers around it alive.
  pieces.push({ stream: stream === STDOUT ? 'stdout' : 'stderr', data: Buffer.concat(run) });
}
