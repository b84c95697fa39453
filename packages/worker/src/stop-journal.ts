/**
 * Remembers over a restart of the worker why it was stopping a container. Docker remembers everything else, but not that
 * a kill was ours: without this a time-out that was being carried out would come back as a failure of the task.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type AttemptKey, keyText } from './core/attempt.ts';
import type { StopRequest } from './core/classify.ts';

export interface StopJournal {
  write(key: AttemptKey, stop: StopRequest): Promise<void>;
  read(key: AttemptKey): Promise<StopRequest | null>;
  remove(key: AttemptKey): Promise<void>;
  /** Notes on attempts that nobody knows any more. */
  removeOthers(known: readonly AttemptKey[]): Promise<void>;
}

export class FileStopJournal implements StopJournal {
  readonly #directory: string;

  constructor(dataDirectory: string) {
    this.#directory = path.join(dataDirectory, 'stops');
  }

  async write(key: AttemptKey, stop: StopRequest): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const file = this.#fileOf(key);
    const handle = await open(`${file}.new`, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify({ reason: stop.reason, message: stop.message }));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${file}.new`, file);
  }

  async read(key: AttemptKey): Promise<StopRequest | null> {
    try {
      const { reason, message } = JSON.parse(await readFile(this.#fileOf(key), 'utf8')) as Partial<StopRequest>;
      return typeof reason === 'string' ? { reason, message: message ?? null } : null;
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
    const names = await readdir(this.#directory).catch(() => []); // Nothing was ever stopped.
    for (const name of names) if (!keep.has(name)) await rm(path.join(this.#directory, name), { force: true });
  }

  #fileOf(key: AttemptKey): string {
    return path.join(this.#directory, `${keyText(key)}.json`);
  }
}

/** For runtimes that do not outlive the process. */
export class MemoryStopJournal implements StopJournal {
  readonly #stops = new Map<string, StopRequest>();

  async write(key: AttemptKey, stop: StopRequest): Promise<void> {
    this.#stops.set(keyText(key), stop);
  }

  async read(key: AttemptKey): Promise<StopRequest | null> {
    return this.#stops.get(keyText(key)) ?? null;
  }

  async remove(key: AttemptKey): Promise<void> {
    this.#stops.delete(keyText(key));
  }

  async removeOthers(known: readonly AttemptKey[]): Promise<void> {
    const keep = new Set(known.map(keyText));
    for (const text of this.#stops.keys()) if (!keep.has(text)) this.#stops.delete(text);
  }
}
