/**
 * Lines out of a log that is stored as pieces: cut at line ends per stream, kept or left out, counted from the end.
 * Pure; what a reader holds is bounded by `MAX_LINE_BYTES` per stream, and by `MAX_TAIL_BYTES` for `tail`.
 */
import type { LogRecord } from '../context.ts';

type Stream = LogRecord['stream'];

/** A longer line is handled as several: a program may write a gigabyte without a line end. */
export const MAX_LINE_BYTES = 64 * 1024;
/** What `tail` holds back at most while it looks for the end. */
export const MAX_TAIL_BYTES = 16 * 1024 * 1024;

const LINE_FEED = 0x0a;

export class LineCutter {
  readonly #open = new Map<
    Stream,
    { readonly offset: number; readonly parts: Uint8Array[]; length: number; at: number }
  >();

  /** The lines that the record completes, each with its line end. A line's time is that of its last byte. */
  cut(record: LogRecord): LogRecord[] {
    const { stream, at, data } = record;
    const lines: LogRecord[] = [];
    let start = 0;
    while (start < data.length) {
      const open = this.#open.get(stream);
      const room = MAX_LINE_BYTES - (open?.length ?? 0);
      const feed = data.indexOf(LINE_FEED, start);
      const isWhole = feed !== -1 && feed + 1 - start <= room;
      const end = isWhole ? feed + 1 : Math.min(data.length, start + room);
      const part = data.subarray(start, end);
      if (isWhole || end - start === room) {
        this.#open.delete(stream);
        const offset = open?.offset ?? record.offset + start;
        lines.push({ stream, offset, at, data: open === undefined ? part : Buffer.concat([...open.parts, part]) });
      } else if (open === undefined) {
        this.#open.set(stream, { offset: record.offset + start, parts: [part], length: part.length, at });
      } else {
        open.parts.push(part);
        open.length += part.length;
        open.at = at;
      }
      start = end;
    }
    return lines;
  }

  /** What was written after the last line end. */
  rest(): LogRecord[] {
    const lines = [...this.#open].map(([stream, { offset, parts, at }]) => ({
      stream,
      offset,
      at,
      data: Buffer.concat(parts),
    }));
    this.#open.clear();
    return lines;
  }
}

/** Keeps the last `count` lines. */
export class TailKeeper {
  readonly #count: number;
  #lines: LogRecord[] = [];
  #first = 0;
  #bytes = 0;

  constructor(count: number) {
    this.#count = count;
  }

  add(line: LogRecord): void {
    this.#lines.push(line);
    this.#bytes += line.data.length;
    while (this.#lines.length - this.#first > this.#count || this.#bytes > MAX_TAIL_BYTES) {
      this.#bytes -= this.#lines[this.#first]!.data.length;
      this.#first += 1;
    }
    if (this.#first > 1024 && this.#first > this.#lines.length / 2) {
      this.#lines = this.#lines.slice(this.#first);
      this.#first = 0;
    }
  }

  take(): LogRecord[] {
    const lines = this.#lines.slice(this.#first);
    this.#lines = [];
    this.#first = 0;
    this.#bytes = 0;
    return lines;
  }
}
