/**
 * The account of one attempt's log: which byte of which stream was read, kept, handed over and acknowledged.
 * Bytes are addressed by their position in their stream, from 0, so that reading the container's log again from its
 * start (after a restart of the worker or of Docker) leads to the same addresses.
 *
 * Both streams share one limit. What was kept is always the beginning of each stream, without gaps; what lies beyond
 * the limit is counted and not stored. Pure: no IO, no clock of its own.
 */
export type StreamName = 'stdout' | 'stderr';
export const STREAM_NAMES: readonly StreamName[] = ['stdout', 'stderr'];

/** Small enough to be fair between attempts, large enough that the envelope does not matter. */
export const CHUNK_BYTES = 64 * 1024;
/** Bytes read and not yet acknowledged, per attempt; reading pauses beyond it. */
export const WINDOW_BYTES = 4 * 2 ** 20;
/** How long a small piece may wait for company. */
export const COALESCE_MS = 20;

export interface LogChunk {
  readonly stream: StreamName;
  readonly offset: number;
  readonly data: Uint8Array;
  /** When its first byte was read, Unix ms. */
  readonly at: number;
  readonly last: boolean;
  /** On the last chunk: bytes of this stream beyond the limit. */
  readonly dropped: number;
}

interface Segment {
  readonly offset: number;
  readonly data: Uint8Array;
  /** Clock of the coalescing delay. */
  readonly readAt: number;
  readonly wallAt: number;
}

/** One stream's positions: acknowledged <= sent <= kept <= seen (once the log was read that far again). */
interface Stream {
  seen: number;
  /** The furthest that was ever seen; reading again starts `seen` over. */
  furthest: number;
  kept: number;
  sent: number;
  acknowledged: number;
  /** From `acknowledged` (or a little before) to `kept`. */
  segments: Segment[];
  lastSent: boolean;
}

export class LogLedger {
  readonly #limit: number;
  readonly #streams: Record<StreamName, Stream> = { stdout: emptyStream(), stderr: emptyStream() };
  #complete = false;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  /** Takes the next bytes that were read. True when the limit dropped some of them. */
  push(name: StreamName, data: Uint8Array, now: number, wallNow: number): boolean {
    const stream = this.#streams[name];
    const from = stream.seen;
    stream.seen += data.byteLength;
    stream.furthest = Math.max(stream.furthest, stream.seen);
    if (stream.seen <= stream.kept) return false;
    const fresh = from < stream.kept ? data.subarray(stream.kept - from) : data;
    // A stream that lost a byte to the limit stays cut, so that what is kept has no gap.
    const room = from > stream.kept ? 0 : Math.max(0, this.#limit - this.keptBytes);
    const take = Math.min(room, fresh.byteLength);
    if (take > 0) {
      stream.segments.push({ offset: stream.kept, data: fresh.subarray(0, take), readAt: now, wallAt: wallNow });
      stream.kept += take;
    }
    return take < fresh.byteLength;
  }

  /** So many bytes were written and can not be had. True when the limit would have let some of them in: a loss. */
  skip(name: StreamName, bytes: number): boolean {
    const stream = this.#streams[name];
    stream.seen += bytes;
    stream.furthest = Math.max(stream.furthest, stream.seen);
    return bytes > 0 && !this.isCut;
  }

  /** The limit is reached: nothing more will be kept, only counted. */
  get isCut(): boolean {
    return this.keptBytes >= this.#limit;
  }

  /** The log will be read from its start again. */
  rewind(): void {
    for (const name of STREAM_NAMES) this.#streams[name].seen = 0;
  }

  /** Everything was read. */
  complete(): void {
    this.#complete = true;
  }

  get isComplete(): boolean {
    return this.#complete;
  }

  /** Reading is to pause until the master has caught up. */
  isFull(windowBytes: number = WINDOW_BYTES): boolean {
    return this.unacknowledgedBytes >= windowBytes;
  }

  get unacknowledgedBytes(): number {
    const { stdout, stderr } = this.#streams;
    return stdout.kept - stdout.acknowledged + (stderr.kept - stderr.acknowledged);
  }

  get keptBytes(): number {
    return this.#streams.stdout.kept + this.#streams.stderr.kept;
  }

  /** Everything that is kept was handed over, including the two last chunks. */
  get isHandedOver(): boolean {
    return this.#complete && STREAM_NAMES.every((name) => this.#streams[name].lastSent);
  }

  totals(): { stdout: number; stderr: number; dropped: number } {
    const { stdout, stderr } = this.#streams;
    return { stdout: stdout.kept, stderr: stderr.kept, dropped: droppedOf(stdout) + droppedOf(stderr) };
  }

  /** When the next chunk is due, by the clock of `push`; null when there is nothing to hand over. */
  dueAt(): number | null {
    let due: number | null = null;
    for (const name of STREAM_NAMES) {
      const stream = this.#streams[name];
      const segment = nextSegment(stream);
      if (segment === undefined) {
        if (this.#complete && !stream.lastSent) return 0;
        continue;
      }
      if (this.#complete || stream.kept - stream.sent >= CHUNK_BYTES) return 0;
      due = Math.min(due ?? Number.POSITIVE_INFINITY, segment.readAt + COALESCE_MS);
    }
    return due;
  }

  /** The next chunk that is due, and marks it as handed over. */
  take(now: number, wallNow: number): LogChunk | null {
    for (const name of STREAM_NAMES) {
      const stream = this.#streams[name];
      const segment = nextSegment(stream);
      if (segment === undefined) {
        if (!this.#complete || stream.lastSent) continue;
        stream.lastSent = true;
        const data = new Uint8Array(0);
        return { stream: name, offset: stream.kept, data, at: wallNow, last: true, dropped: droppedOf(stream) };
      }
      const available = stream.kept - stream.sent;
      if (!this.#complete && available < CHUNK_BYTES && now < segment.readAt + COALESCE_MS) continue;
      const offset = stream.sent;
      const data = bytesOf(stream, offset, Math.min(available, CHUNK_BYTES));
      stream.sent += data.byteLength;
      const last = this.#complete && stream.sent === stream.kept;
      if (last) stream.lastSent = true;
      return { stream: name, offset, data, at: segment.wallAt, last, dropped: last ? droppedOf(stream) : 0 };
    }
    return null;
  }

  /** The master has everything before `offset`. */
  acknowledge(name: StreamName, offset: number): void {
    const stream = this.#streams[name];
    if (offset <= stream.acknowledged) return;
    stream.acknowledged = Math.min(offset, stream.kept);
    stream.sent = Math.max(stream.sent, stream.acknowledged);
    let unneeded = 0;
    for (const segment of stream.segments) {
      if (segment.offset + segment.data.byteLength > stream.acknowledged) break;
      unneeded += 1;
    }
    if (unneeded > 0) stream.segments.splice(0, unneeded);
  }

  /**
   * A new session: the master has everything before these offsets. True when what it lacks is no longer here (or not
   * read yet), so that the log has to be read again from its start.
   */
  resume(offsets: Readonly<Record<StreamName, number>>): boolean {
    let readAgain = false;
    for (const name of STREAM_NAMES) {
      const stream = this.#streams[name];
      const offset = offsets[name];
      stream.lastSent = false;
      if (offset > stream.kept) {
        // It was kept by an earlier worker process: the log's bytes up to here are skipped when they are read.
        stream.kept = offset;
        stream.segments = [];
      }
      const held = stream.segments[0]?.offset ?? stream.kept;
      if (offset < held) {
        // The master lost what it had acknowledged (it was restored from a backup, say).
        stream.kept = offset;
        stream.segments = [];
        readAgain = true;
      }
      stream.acknowledged = offset;
      stream.sent = offset;
    }
    if (readAgain) this.#complete = false;
    return readAgain;
  }

  /** A new session before the master said what it has: hand over again what was not acknowledged. */
  resend(): void {
    for (const name of STREAM_NAMES) {
      const stream = this.#streams[name];
      stream.sent = stream.acknowledged;
      stream.lastSent = false;
    }
  }
}

function emptyStream(): Stream {
  return { seen: 0, furthest: 0, kept: 0, sent: 0, acknowledged: 0, segments: [], lastSent: false };
}

function droppedOf(stream: Stream): number {
  return Math.max(0, stream.furthest - stream.kept);
}

/** The segment that holds the byte at `sent`. */
function nextSegment(stream: Stream): Segment | undefined {
  if (stream.sent >= stream.kept) return undefined;
  return stream.segments[segmentIndex(stream, stream.sent)];
}

function segmentIndex(stream: Stream, offset: number): number {
  let low = 0;
  let high = stream.segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (stream.segments[middle]!.offset <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

function bytesOf(stream: Stream, offset: number, length: number): Uint8Array {
  let index = segmentIndex(stream, offset);
  const first = stream.segments[index]!;
  const start = offset - first.offset;
  if (first.data.byteLength - start >= length) return first.data.subarray(start, start + length);
  const out = new Uint8Array(length);
  let filled = 0;
  let skip = start;
  while (filled < length) {
    const part = stream.segments[index]!.data.subarray(skip, skip + length - filled);
    out.set(part, filled);
    filled += part.byteLength;
    skip = 0;
    index += 1;
  }
  return out;
}
