/**
 * One worker process per data directory. The lock is a file with the owner's pid and when it was born; a dead owner's
 * lock is taken over. The pid alone would not do: after a restart of the machine it belongs to somebody else, and the
 * worker would refuse to start for ever.
 */
import { readFileSync } from 'node:fs';
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
        await writeFile(file, `${process.pid} ${birthOf(process.pid) ?? ''}`, { flag: 'wx' });
        held.add(file);
        return new DataLock(file);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const [pid, ...birth] = (await readFile(file, 'utf8').catch(() => '0')).split(' '); // Released just now.
      const owner = Number(pid);
      if (owner !== process.pid && isAlive(owner) && isBornThen(owner, birth.join(' '))) {
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

/** Without a birth, in a lock or of a process, the pid has to do. */
function isBornThen(pid: number, birth: string): boolean {
  const found = birthOf(pid);
  return birth === '' || found === null || found === birth;
}

/** Boot of the machine and, counted from it, the start of the process: together never twice. Null where there is no /proc. */
function birthOf(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, with anything in it; the 22nd is the start.
    return `${boot} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return null;
  }
}
