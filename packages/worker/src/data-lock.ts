/** One worker process per data directory. The lock is a file with the owner's pid; a dead owner's lock is taken over. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Held by this very process, which may run several workers. */
const held = new Set<string>();

export class DataLock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /** Throws when another live process holds it. */
  static async take(dataDirectory: string): Promise<DataLock> {
    const file = path.resolve(dataDirectory, 'worker.pid');
    if (held.has(file)) throw new Error(`${dataDirectory} is in use by this process; use another directory`);
    for (let tries = 0; tries < 3; tries += 1) {
      try {
        await writeFile(file, String(process.pid), { flag: 'wx' });
        held.add(file);
        return new DataLock(file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const owner = Number(await readFile(file, 'utf8').catch(() => '0')); // Released just now.
      if (owner !== process.pid && isAlive(owner)) {
        throw new Error(`${dataDirectory} is in use by the worker process ${owner}; stop it or use another directory`);
      }
      await rm(file, { force: true });
    }
    throw new Error(`${file} can not be taken`);
  }

  async release(): Promise<void> {
    await rm(this.#file, { force: true });
    held.delete(this.#file);
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
