/**
 * Remembers over a restart of the worker what the runtime can not tell of an attempt.
 *
 * stops    that it was being stopped, and why: without it a time-out that was being carried out would come back as a
 *          failure of the task.
 * starts   when its process began, by a clock that never jumps: the runtime's time stamps are of the wall clock, and
 *          when that is set a healthy task would be out of time, or one that hangs would never be.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type BootClock, systemBootClock } from './boot-clock.ts';
import { type AttemptKey, keyText } from './core/attempt.ts';
import type { StopRequest } from './core/classify.ts';

export interface AttemptJournal {
  writeStop(key: AttemptKey, stop: StopRequest): Promise<void>;
  stop(key: AttemptKey): Promise<StopRequest | null>;
  /** Its process has been running for so long now. */
  writeStart(key: AttemptKey, ranForMs: number): Promise<void>;
  /** How long its process has been running; null when that was not noted during this boot of the machine. */
  ranForMs(key: AttemptKey): Promise<number | null>;
  remove(key: AttemptKey): Promise<void>;
  /** Notes on attempts that nobody knows any more. */
  removeOthers(known: readonly AttemptKey[]): Promise<void>;
}

interface Start {
  readonly bootId: string;
  /** By the clock of that boot. */
  readonly atMs: number;
}

export class FileAttemptJournal implements AttemptJournal {
  readonly #stops: Notes;
  readonly #starts: Notes;
  readonly #boot: BootClock;

  constructor(dataDirectory: string, boot: BootClock = systemBootClock()) {
    this.#stops = new Notes(path.join(dataDirectory, 'stops'));
    this.#starts = new Notes(path.join(dataDirectory, 'starts'));
    this.#boot = boot;
  }

  async writeStop(key: AttemptKey, { reason, message }: StopRequest): Promise<void> {
    await this.#stops.write(key, { reason, message });
  }

  async stop(key: AttemptKey): Promise<StopRequest | null> {
    const { reason, message } = ((await this.#stops.read(key)) ?? {}) as Partial<StopRequest>;
    return typeof reason === 'string' ? { reason, message: message ?? null } : null;
  }

  async writeStart(key: AttemptKey, ranForMs: number): Promise<void> {
    const { bootId } = this.#boot;
    if (bootId !== null) await this.#starts.write(key, { bootId, atMs: this.#boot.now() - ranForMs } satisfies Start);
  }

  async ranForMs(key: AttemptKey): Promise<number | null> {
    const { bootId, atMs } = ((await this.#starts.read(key)) ?? {}) as Partial<Start>;
    if (typeof atMs !== 'number' || bootId !== this.#boot.bootId) return null;
    return Math.max(0, this.#boot.now() - atMs);
  }

  async remove(key: AttemptKey): Promise<void> {
    await this.#stops.remove(key);
    await this.#starts.remove(key);
  }

  async removeOthers(known: readonly AttemptKey[]): Promise<void> {
    await this.#stops.removeOthers(known);
    await this.#starts.removeOthers(known);
  }
}

/** A folder with one small file of JSON for each attempt that there is something to say of. */
class Notes {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async write(key: AttemptKey, note: object): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const file = this.#fileOf(key);
    const handle = await open(`${file}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(note));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
  }

  /** What was written, not checked; null if nothing was. */
  async read(key: AttemptKey): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#fileOf(key), 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async remove(key: AttemptKey): Promise<void> {
    await rm(this.#fileOf(key), { force: true });
  }

  async removeOthers(known: readonly AttemptKey[]): Promise<void> {
    const keep = new Set(known.map((key) => path.basename(this.#fileOf(key))));
    const names = await readdir(this.#directory).catch(() => []); // Nothing was ever noted.
    for (const name of names) if (!keep.has(name)) await rm(path.join(this.#directory, name), { force: true });
  }

  #fileOf(key: AttemptKey): string {
    return path.join(this.#directory, `${keyText(key)}.json`);
  }
}

/** For runtimes that do not outlive the process. */
export class MemoryAttemptJournal implements AttemptJournal {
  readonly #stops = new Map<string, StopRequest>();
  readonly #starts = new Map<string, number>();

  async writeStop(key: AttemptKey, stop: StopRequest): Promise<void> {
    this.#stops.set(keyText(key), stop);
  }

  async stop(key: AttemptKey): Promise<StopRequest | null> {
    return this.#stops.get(keyText(key)) ?? null;
  }

  async writeStart(key: AttemptKey, ranForMs: number): Promise<void> {
    this.#starts.set(keyText(key), performance.now() - ranForMs);
  }

  async ranForMs(key: AttemptKey): Promise<number | null> {
    const at = this.#starts.get(keyText(key));
    return at === undefined ? null : performance.now() - at;
  }

  async remove(key: AttemptKey): Promise<void> {
    this.#stops.delete(keyText(key));
    this.#starts.delete(keyText(key));
  }

  async removeOthers(known: readonly AttemptKey[]): Promise<void> {
    const keep = new Set(known.map(keyText));
    for (const notes of [this.#stops, this.#starts])
      for (const text of notes.keys()) if (!keep.has(text)) notes.delete(text);
  }
}
