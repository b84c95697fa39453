/**
 * Logs on files: `<data>/logs/<first 2 of task>/<task>/<attempt>.log`. Appending only takes a chunk into memory; one
 * loop writes what is pending (readers see it then), another makes it durable (workers hear it then), so that a slow
 * sync delays no reader. Followers read from the file, each with its own place in it: a slow one costs nobody anything.
 */
import { constants } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogOffsets, LogRecord, LogState, LogStore } from '../context.ts';
import { makeDirectoryDurably, syncDirectory } from '../durable-file.ts';
import { LogChange } from './log-change.ts';
import { type Budget, LogFile, loadLogFile } from './log-file.ts';
import { BEGINNING, placeOf, recordFrom } from './place.ts';
import type { FileRecord } from './record.ts';
import { stepForward, takeBackward } from './walk.ts';

export interface LogStoreOptions {
  readonly directory: string;
  /** A log can not be made durable: the process has to stop, a sync is never repeated. */
  onFatal(error: unknown): void;
  /** What is left of the disk is set aside for the store: logs stay with their workers. */
  isReserved?(): boolean;
  onWarning?(message: string): void;
}

/** Small pieces wait this long for company; a tenth of what a watching person notices. */
const WRITE_EVERY_MS = 10;
const SYNC_EVERY_MS = 50;
/** The thread pool has four threads, and others need it too. */
const PARALLEL = 3;
const MOST_HANDLES = 256;
/** Logs whose state is kept in memory although nobody uses them; those in use are as many as there are users. */
export const MOST_UNUSED = 4_096;
/** Accepted and not yet written, all logs together. */
const MOST_PENDING_BYTES = 64 * 2 ** 20;
/** After a write found no space, nothing is taken for so long. */
const FULL_PAUSE_MS = 1_000;

export class FileLogStore implements LogStore {
  readonly #options: LogStoreOptions;
  /** In the order in which they were used. */
  readonly #files = new Map<string, LogFile>();
  /** Of those, the ones without users, in the order in which they were released. */
  readonly #unused = new Set<LogFile>();
  readonly #loading = new Map<string, Promise<LogFile>>();
  readonly #budget: Budget = { pendingBytes: 0 };
  readonly #dirty = new Set<LogFile>();
  readonly #unsynced = new Set<LogFile>();
  /** Told when `append` may be tried again after it said `busy`. */
  readonly onRoom = new Set<() => void>();
  #handles = 0;
  #fullUntil = 0;
  #roomTimer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #syncing: Promise<void> | null = null;
  #failed = false;
  /** Aborted while somebody waits in `flush`: nothing is gathered then. */
  #hurry = new AbortController();
  #flushing = 0;

  /** Bytes that were accepted from workers, and that readers were given. */
  readonly counts = { received: 0, read: 0 };

  constructor(options: LogStoreOptions) {
    this.#options = options;
  }

  /**
   * The log of an attempt, ready to be appended to. It has no file before its first byte. It stays in memory until it is
   * released: a second object of one log would write over what the first one wrote.
   */
  async open(taskId: string, attempt: number): Promise<LogFile> {
    const key = keyOf(taskId, attempt);
    const file = this.#files.get(key) ?? (await this.#loaded(key, taskId, attempt));
    file.users += 1;
    this.#unused.delete(file);
    this.#touch(key, file);
    return file;
  }

  /** Once for each `open`. */
  async release(file: LogFile): Promise<void> {
    file.users -= 1;
    if (file.users > 0 || file.removed) return;
    this.#unused.add(file);
    await this.#evict();
  }

  /** `file.append`, within the bounds of all logs together. */
  append(file: LogFile, chunk: Parameters<LogFile['append']>[0]): ReturnType<LogFile['append']> {
    if (this.#failed || this.#isFull()) return 'busy';
    if (this.#budget.pendingBytes + chunk.data.byteLength > MOST_PENDING_BYTES) return 'busy';
    const before = file.accepted;
    const appended = file.append(chunk);
    if (file.accepted !== before) this.counts.received += chunk.data.byteLength;
    if (file.isDirty) this.#mark(file);
    return appended;
  }

  seal(file: LogFile, at: number): void {
    file.seal(at);
    if (file.isDirty) this.#mark(file);
  }

  end(file: LogFile, at: number, dropped = 0): void {
    file.end(at, dropped);
    if (file.isDirty) this.#mark(file);
  }

  async state(taskId: string, attempt: number): Promise<LogState | null> {
    const file = await this.open(taskId, attempt);
    const state = file.size === 0 ? null : file.state();
    await this.release(file);
    return state;
  }

  async *read(
    taskId: string,
    attempt: number,
    options: { readonly follow: boolean; readonly from?: LogOffsets; readonly signal?: AbortSignal },
  ): AsyncIterable<LogRecord> {
    const { follow, from = BEGINNING, signal } = options;
    const file = await this.open(taskId, attempt);
    const change = new LogChange(file, signal);
    try {
      if (follow) while (file.size === 0 && !change.over) await change.next();
      if (file.size === 0 || change.over) return;
      const handle = await open(file.path, 'r');
      try {
        for (let position = await placeOf(handle, file, from); !change.over; ) {
          // The state first: what is written before the end is seen is read before the end is believed.
          const over = file.isOver;
          if (position < file.size) {
            const step = await stepForward(handle, position, file.size);
            for (const record of step.records) {
              const behind = record.isMark ? null : recordFrom(record, from[record.stream]);
              if (behind === null) continue;
              this.counts.read += behind.data.byteLength;
              yield behind;
            }
            position = step.next;
          } else if (over || !follow) return;
          else await change.next();
        }
      } finally {
        await handle.close();
      }
    } finally {
      change.end();
      await this.release(file);
    }
  }

  async tail(
    taskId: string,
    attempt: number,
    lines: number,
  ): Promise<{ readonly records: readonly LogRecord[]; readonly end: LogOffsets }> {
    const file = await this.open(taskId, attempt);
    try {
      const end = file.readable;
      return { records: file.size === 0 || lines <= 0 ? [] : await this.#tail(file, lines), end };
    } finally {
      await this.release(file);
    }
  }

  async #tail(file: LogFile, lines: number): Promise<readonly LogRecord[]> {
    const { size } = file;
    const handle = await open(file.path, 'r');
    try {
      let found = 0;
      let first = true;
      const records = await takeBackward(handle, size, (record) => {
        if (record.isMark || record.data.byteLength === 0) return false;
        found += lineEnds(record.data);
        // The end of the very last line does not begin another one.
        if (first && record.data.at(-1) === LINE_END) found -= 1;
        first = false;
        return found >= lines;
      });
      return records.filter((record) => !record.isMark).map(logRecord);
    } finally {
      await handle.close();
    }
  }

  async remove(taskId: string): Promise<void> {
    for (const [key, file] of this.#files) {
      if (file.taskId !== taskId) continue;
      this.#files.delete(key);
      this.#unused.delete(file);
      this.#dirty.delete(file);
      this.#unsynced.delete(file);
      file.markRemoved();
      while (file.writing || file.syncing) await delay(1);
      await this.#closeHandle(file);
    }
    await rm(this.#taskDirectory(taskId), { recursive: true, force: true });
  }

  /** Tasks that have a log, for the clean-up after a crash between the store's deletion and ours. */
  async *taskIds(): AsyncIterable<string> {
    for (const prefix of await namesIn(this.#options.directory))
      yield* await namesIn(path.join(this.#options.directory, prefix));
  }

  /** Resolves once everything that was accepted is durable. */
  async flush(): Promise<void> {
    this.#flushing += 1;
    this.#hurry.abort();
    try {
      while (!this.#failed && (this.#writing !== null || this.#syncing !== null))
        await (this.#writing ?? this.#syncing);
    } finally {
      this.#flushing -= 1;
      if (this.#flushing === 0) this.#hurry = new AbortController();
    }
  }

  async close(): Promise<void> {
    await this.flush();
    if (this.#roomTimer !== null) clearTimeout(this.#roomTimer);
    for (const file of this.#files.values()) await this.#closeHandle(file);
  }

  #loaded(key: string, taskId: string, attempt: number): Promise<LogFile> {
    const loading = this.#loading.get(key);
    if (loading !== undefined) return loading;
    const load = this.#load(key, taskId, attempt).finally(() => this.#loading.delete(key));
    this.#loading.set(key, load);
    return load;
  }

  async #load(key: string, taskId: string, attempt: number): Promise<LogFile> {
    const file = path.join(this.#taskDirectory(taskId), `${attempt}.log`);
    const loaded = await loadLogFile(file);
    if (loaded !== null && loaded.cutBytes > 0)
      this.#options.onWarning?.(
        `${file}: cut off ${loaded.cutBytes} bytes that were not written whole; the worker still has them`,
      );
    const log = new LogFile(taskId, attempt, file, this.#budget, loaded);
    this.#files.set(key, log);
    return log;
  }

  #touch(key: string, file: LogFile): void {
    if (this.#files.get(key) !== file) return;
    this.#files.delete(key);
    this.#files.set(key, file);
  }

  #mark(file: LogFile): void {
    this.#dirty.add(file);
    this.#wake();
  }

  #wake(): void {
    if (this.#failed) return;
    if (this.#dirty.size > 0) this.#writing ??= this.#writeLoop().finally(() => (this.#writing = null));
    if (this.#unsynced.size > 0) this.#syncing ??= this.#syncLoop().finally(() => (this.#syncing = null));
  }

  async #writeLoop(): Promise<void> {
    while (this.#dirty.size > 0 && !this.#failed) {
      await this.#gather(WRITE_EVERY_MS);
      const files = [...this.#dirty];
      this.#dirty.clear();
      await inParallel(files, (file) => this.#write(file));
      this.#wake();
      if (!this.#isFull()) for (const tell of this.onRoom) tell();
    }
  }

  async #syncLoop(): Promise<void> {
    while (this.#unsynced.size > 0 && !this.#failed) {
      await this.#gather(SYNC_EVERY_MS);
      const files = [...this.#unsynced];
      this.#unsynced.clear();
      await inParallel(files, (file) => this.#sync(file));
    }
  }

  async #gather(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#hurry.signal }).catch(() => {}); // Aborted: somebody is in a hurry.
  }

  async #write(file: LogFile): Promise<void> {
    if (file.removed) return;
    file.writing = true;
    try {
      await this.#openHandle(file);
      await file.write();
      this.#unsynced.add(file);
    } catch (error) {
      await this.#writeFailed(file, error);
    } finally {
      file.writing = false;
      if (file.isDirty) this.#dirty.add(file);
    }
  }

  async #writeFailed(file: LogFile, error: unknown): Promise<void> {
    if (file.removed) return;
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') {
      this.#fail(error);
      return;
    }
    this.#fullUntil = performance.now() + FULL_PAUSE_MS;
    this.#awaitRoom();
    await file.reset().catch((failure: unknown) => this.#fail(failure));
  }

  #isFull(): boolean {
    if (performance.now() >= this.#fullUntil && this.#options.isReserved?.() !== true) return false;
    this.#awaitRoom();
    return true;
  }

  #awaitRoom(): void {
    this.#roomTimer ??= setTimeout(() => {
      this.#roomTimer = null;
      if (!this.#failed && !this.#isFull()) for (const tell of this.onRoom) tell();
    }, FULL_PAUSE_MS).unref();
  }

  async #sync(file: LogFile): Promise<void> {
    if (file.removed || file.handle === null) return;
    if (file.syncing) {
      // Room for another handle was made with it; what came meanwhile is for the next round.
      this.#unsynced.add(file);
      return;
    }
    file.syncing = true;
    try {
      await file.sync();
    } catch (error) {
      if (!file.removed) this.#fail(error);
    } finally {
      file.syncing = false;
      if (!file.isSynced && !file.removed) this.#unsynced.add(file);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#options.onFatal(error);
  }

  async #openHandle(file: LogFile): Promise<void> {
    if (file.handle !== null) return;
    // Counted before it is open, so that others who open at the same time know of it.
    this.#handles += 1;
    try {
      await this.#makeRoomForHandle();
      const isNew = file.size === 0;
      if (isNew) await makeDirectoryDurably(this.#options.directory, file.taskId.slice(0, 2), file.taskId);
      file.handle = await open(file.path, constants.O_WRONLY | constants.O_CREAT, 0o600);
      if (isNew) await syncDirectory(path.dirname(file.path));
    } catch (error) {
      if (file.handle === null) this.#handles -= 1;
      throw error;
    }
  }

  async #closeHandle(file: LogFile): Promise<void> {
    const { handle } = file;
    if (handle === null) return;
    file.handle = null;
    this.#handles -= 1;
    await handle.close();
  }

  /** The least recently used first; those that are not durable yet are made so. */
  async #makeRoomForHandle(): Promise<void> {
    for (const file of this.#files.values()) {
      if (this.#handles <= MOST_HANDLES) return;
      if (file.handle === null || file.writing || file.syncing) continue;
      if (!file.isSynced) await this.#sync(file);
      if (file.handle !== null && file.isSynced && !file.writing && !file.syncing) await this.#closeHandle(file);
    }
  }

  async #evict(): Promise<void> {
    for (const file of this.#unused) {
      if (this.#unused.size <= MOST_UNUSED) return;
      // What is not durable yet is needed to make it so.
      if (!file.isIdle) continue;
      this.#unused.delete(file);
      this.#files.delete(keyOf(file.taskId, file.attempt));
      await this.#closeHandle(file);
    }
  }

  #taskDirectory(taskId: string): string {
    return path.join(this.#options.directory, taskId.slice(0, 2), taskId);
  }
}

const LINE_END = 10;

/** Ids become names of directories, so nothing else may pass for one. */
function keyOf(taskId: string, attempt: number): string {
  if (!/^[a-z0-9]{2,64}$/.test(taskId) || !Number.isSafeInteger(attempt) || attempt < 1)
    throw new Error(`no attempt has the name ${JSON.stringify(taskId).slice(0, 80)}/${attempt}`);
  return `${taskId}/${attempt}`;
}

function logRecord({ stream, offset, at, data }: FileRecord): LogRecord {
  return { stream, offset, at, data };
}

function lineEnds(data: Buffer): number {
  let count = 0;
  for (let at = data.indexOf(LINE_END); at !== -1; at = data.indexOf(LINE_END, at + 1)) count += 1;
  return count;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) await work(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, lane));
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
