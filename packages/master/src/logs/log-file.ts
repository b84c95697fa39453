/**
 * The log of one attempt: what was accepted into memory, what is written (readers see it), what is durable (the worker
 * may forget it). Every stream is a prefix of what the attempt said: a chunk that overlaps is trimmed, one that leaves a
 * gap is not taken.
 *
 * open      chunks come
 * sealed    its worker was given up: nobody waits for more, but what it brings when it returns is still taken
 * complete  both streams have ended; nothing further is taken
 * removed   its files are gone
 */
import { type FileHandle, open } from 'node:fs/promises';
import type { LogOffsets, LogState } from '../context.ts';
import { encode, encodeEnd, encodeSeal, KIND, MAX_DATA_BYTES, type StreamName } from './record.ts';
import { stepForward } from './walk.ts';

export interface LogChunk {
  readonly stream: StreamName;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly at: number;
  /** The stream ends with this chunk. */
  readonly last: boolean;
  readonly dropped: number;
}

/**
 * stored   taken, or known already
 * gap      bytes before it are missing: ask for them
 * busy     the disk does not keep up or is full: ask again later
 */
export type Appended = 'stored' | 'gap' | 'busy';

export interface StreamState {
  readonly end: number;
  readonly ended: boolean;
}

export interface Streams extends Readonly<Record<StreamName, StreamState>> {
  readonly sealed: boolean;
}

/** Chunks of about the same moment become one record, so that many small lines stay cheap. */
const COALESCE_MS = 50;
const COALESCE_BYTES = 64 * 1024;
/** Accepted and not yet written. */
const MOST_PENDING_BYTES = 8 * 2 ** 20;

interface Pending {
  readonly stream: StreamName;
  readonly offset: number;
  readonly at: number;
  readonly parts: Uint8Array[];
  length: number;
  /** A mark: the stream ends, with so many bytes dropped, or the log is sealed. */
  readonly mark: { readonly kind: 'end'; readonly dropped: number } | { readonly kind: 'seal' } | null;
}

const EMPTY: Streams = { stdout: { end: 0, ended: false }, stderr: { end: 0, ended: false }, sealed: false };

/** Bytes that were accepted and not yet written, all logs together. */
export interface Budget {
  pendingBytes: number;
}

export class LogFile {
  readonly taskId: string;
  readonly attempt: number;
  readonly path: string;
  /** Told when bytes became readable, when they became durable, and when the log was reset or removed. */
  readonly listeners = new Set<() => void>();
  readonly #budget: Budget;
  #accepted: Streams;
  #written: Streams;
  #durable: Streams;
  #dropped: number;
  /** Bytes of whole records in the file. */
  #size: number;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #removed = false;
  /** +1 whenever accepted bytes were given up, because they could not be written. */
  #resets = 0;
  handle: FileHandle | null = null;
  /** Who has opened it and not released it; while there are any, it is the only object of this log. */
  users = 0;
  writing = false;
  syncing = false;

  constructor(taskId: string, attempt: number, path: string, budget: Budget, loaded: Loaded | null) {
    this.taskId = taskId;
    this.attempt = attempt;
    this.path = path;
    this.#budget = budget;
    this.#size = loaded?.size ?? 0;
    this.#dropped = loaded?.dropped ?? 0;
    this.#accepted = loaded?.streams ?? EMPTY;
    this.#written = this.#accepted;
    this.#durable = this.#accepted;
  }

  get size(): number {
    return this.#size;
  }

  get accepted(): Streams {
    return this.#accepted;
  }

  /** What survives a power cut. */
  get durable(): Streams {
    return this.#durable;
  }

  get resets(): number {
    return this.#resets;
  }

  get removed(): boolean {
    return this.#removed;
  }

  get isDirty(): boolean {
    return this.#pending.length > 0;
  }

  get isSynced(): boolean {
    return this.#written === this.#durable;
  }

  /** Readers need not wait for more: everything is written, or whoever could bring the rest was given up. */
  get isOver(): boolean {
    return this.#written.sealed || isComplete(this.#written);
  }

  get isDurablyComplete(): boolean {
    return isComplete(this.#durable);
  }

  /** Nothing is under way: its handle may be closed. */
  get isIdle(): boolean {
    return !this.writing && !this.syncing && !this.isDirty && this.isSynced;
  }

  state(): LogState {
    return {
      stdoutBytes: this.#written.stdout.end,
      stderrBytes: this.#written.stderr.end,
      droppedBytes: this.#dropped,
      complete: this.isOver,
    };
  }

  /** What readers see of each stream. */
  get readable(): LogOffsets {
    return { stdout: this.#written.stdout.end, stderr: this.#written.stderr.end };
  }

  append(chunk: LogChunk): Appended {
    const { end, ended } = this.#accepted[chunk.stream];
    if (this.#removed || ended) return 'stored';
    if (chunk.offset > end) return 'gap';
    const fresh = chunk.data.subarray(end - chunk.offset);
    if (fresh.byteLength > MAX_DATA_BYTES) return 'gap';
    if (this.#pendingBytes + fresh.byteLength > MOST_PENDING_BYTES) return 'busy';
    if (fresh.byteLength > 0) this.#queue(chunk.stream, end, chunk.at, fresh);
    if (chunk.last) this.#end(chunk.stream, chunk.at, chunk.dropped);
    return 'stored';
  }

  /** Nobody knows whether more will come. */
  seal(at: number): void {
    if (this.#removed || this.#accepted.sealed || isComplete(this.#accepted)) return;
    const { end } = this.#accepted.stdout;
    this.#pending.push({ stream: 'stdout', offset: end, at, parts: [], length: 0, mark: { kind: 'seal' } });
    this.#accepted = { ...this.#accepted, sealed: true };
  }

  /** No further bytes will come. */
  end(at: number, dropped: number): void {
    if (this.#removed) return;
    for (const stream of ['stdout', 'stderr'] as const)
      if (!this.#accepted[stream].ended) this.#end(stream, at, stream === 'stdout' ? dropped : 0);
  }

  #queue(stream: StreamName, offset: number, at: number, data: Uint8Array): void {
    const last = this.#pending.at(-1);
    if (
      last?.stream === stream &&
      last.mark === null &&
      last.length + data.byteLength <= COALESCE_BYTES &&
      Math.abs(at - last.at) <= COALESCE_MS
    ) {
      last.parts.push(data);
      last.length += data.byteLength;
    } else {
      this.#pending.push({ stream, offset, at, parts: [data], length: data.byteLength, mark: null });
    }
    this.#pend(data.byteLength);
    this.#accepted = { ...this.#accepted, [stream]: { end: offset + data.byteLength, ended: false } };
  }

  #end(stream: StreamName, at: number, dropped: number): void {
    const { end } = this.#accepted[stream];
    this.#pending.push({ stream, offset: end, at, parts: [], length: 0, mark: { kind: 'end', dropped } });
    this.#accepted = { ...this.#accepted, [stream]: { end, ended: true } };
  }

  /** Writes what is pending; afterwards readers see it. Throws as the disk does; then `reset` has to follow. */
  async write(): Promise<void> {
    const pending = this.#pending;
    const target = this.#accepted;
    const handle = this.handle!;
    this.#pending = [];
    const buffers = pending.flatMap(encoded);
    let position = this.#size;
    // The system takes a limited number of buffers in one call.
    for (let from = 0; from < buffers.length; from += MOST_BUFFERS) {
      const slice = buffers.slice(from, from + MOST_BUFFERS);
      const total = slice.reduce((sum, buffer) => sum + buffer.byteLength, 0);
      const { bytesWritten } = await handle.writev(slice, position);
      if (bytesWritten !== total)
        await writeAll(handle, Buffer.concat(slice).subarray(bytesWritten), position + bytesWritten);
      position += total;
    }
    if (this.#removed) return;
    this.#size = position;
    this.#written = target;
    for (const record of pending) {
      this.#pend(-record.length);
      if (record.mark?.kind === 'end') this.#dropped += record.mark.dropped;
    }
    this.tell();
  }

  async sync(): Promise<void> {
    const target = this.#written;
    await this.handle!.datasync();
    this.#durable = target;
    this.tell();
  }

  /** Gives up what could not be written: the worker still has it. */
  async reset(): Promise<void> {
    this.#pending = [];
    this.#pend(-this.#pendingBytes);
    this.#accepted = this.#written;
    this.#resets += 1;
    await this.handle?.truncate(this.#size);
    this.tell();
  }

  markRemoved(): void {
    this.#removed = true;
    this.#pending = [];
    this.#pend(-this.#pendingBytes);
    this.tell();
  }

  #pend(bytes: number): void {
    this.#pendingBytes += bytes;
    this.#budget.pendingBytes += bytes;
  }

  tell(): void {
    for (const listener of this.listeners) listener();
  }
}

const MOST_BUFFERS = 960;

function encoded({ stream, at, offset, parts, mark }: Pending): Uint8Array[] {
  if (mark === null) return encode(KIND[stream], at, offset, parts);
  return mark.kind === 'end' ? encodeEnd(stream, at, offset, mark.dropped) : encodeSeal(at, offset);
}

function isComplete(streams: Streams): boolean {
  return streams.stdout.ended && streams.stderr.ended;
}

async function writeAll(handle: FileHandle, data: Buffer, position: number): Promise<void> {
  let written = 0;
  while (written < data.byteLength) {
    const { bytesWritten } = await handle.write(data, written, data.byteLength - written, position + written);
    written += bytesWritten;
  }
}

export interface Loaded {
  readonly size: number;
  readonly streams: Streams;
  readonly dropped: number;
  /** Bytes at the end that were cut off: written, never acknowledged. */
  readonly cutBytes: number;
}

/**
 * Reads a log file as a crash may have left it. What follows the first damage is cut off: it was not acknowledged, or
 * the worker still has it, because it keeps everything until the log is complete. A log that is complete or sealed is
 * never cut: there may be nobody who still has it.
 */
export async function loadLogFile(path: string): Promise<Loaded | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const { size } = await handle.stat();
    const all = await survey(handle, size);
    if (all.damagedAt === null || all.streams.sealed || isComplete(all.streams)) {
      // Written by a process that did not live to sync it, perhaps.
      await handle.datasync();
      return { ...all, size, cutBytes: 0 };
    }
    const whole = await survey(handle, all.damagedAt);
    await handle.truncate(all.damagedAt);
    await handle.datasync();
    return { ...whole, size: all.damagedAt, cutBytes: size - all.damagedAt };
  } finally {
    await handle.close();
  }
}

async function survey(
  handle: FileHandle,
  end: number,
): Promise<{ readonly streams: Streams; readonly dropped: number; readonly damagedAt: number | null }> {
  let streams = EMPTY;
  let dropped = 0;
  let damagedAt: number | null = null;
  for (let position = 0; position < end; ) {
    const step = await stepForward(handle, position, end);
    damagedAt ??= step.damagedAt;
    for (const { kind, stream, offset, data, isMark } of step.records) {
      if (kind === KIND.seal) {
        streams = { ...streams, sealed: true };
        continue;
      }
      if (isMark) dropped += data.readDoubleLE(0);
      streams = { ...streams, [stream]: { end: isMark ? offset : offset + data.byteLength, ended: isMark } };
    }
    position = step.next;
  }
  return { streams, dropped, damagedAt };
}
