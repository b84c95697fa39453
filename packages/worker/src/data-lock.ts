/**
 * One worker process per data directory. The lock is SQLite's own on an empty file: the operating system gives it back
 * when the process ends, however it ends. A file with a pid would be left behind by a kill, and two that took it over at
 * the same moment would both believe that they have it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** SQLite's primary result code for a lock that somebody else holds. */
const BUSY = 5;

export class DataLock {
  readonly #held: DatabaseSync;
  readonly #owner: string;

  private constructor(held: DatabaseSync, owner: string) {
    this.#held = held;
    this.#owner = owner;
  }

  /** Throws when another live process holds it, or this one does already. */
  static take(dataDirectory: string): DataLock {
    const file = path.resolve(dataDirectory, 'worker.lock');
    const owner = path.resolve(dataDirectory, 'worker.pid');
    let held: DatabaseSync | null = null;
    try {
      held = new DatabaseSync(file, { timeout: 0 });
      // Nothing is ever written, so that it works on a full disk, too.
      held.exec('PRAGMA journal_mode = MEMORY');
      held.exec('BEGIN IMMEDIATE');
    } catch (error) {
      held?.close();
      if (isBusy(error)) {
        throw new Error(`${dataDirectory} is in use by ${nameOf(owner)}; stop it or use another directory`, {
          cause: error,
        });
      }
      throw new Error(`${file} can not be locked: ${(error as Error).message}; check who may write there`, {
        cause: error,
      });
    }
    try {
      writeFileSync(owner, String(process.pid), { mode: 0o600 });
    } catch {
      // Only for the message above; the disk may be full.
    }
    return new DataLock(held, owner);
  }

  release(): void {
    rmSync(this.#owner, { force: true });
    this.#held.close();
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === BUSY;
}

function nameOf(file: string): string {
  let pid = 0;
  try {
    // Earlier programs wrote more behind it.
    pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  } catch {
    // It has the lock and has not written it yet.
  }
  if (pid === process.pid) return 'this process';
  return pid > 0 ? `the worker process ${pid}` : 'another worker process';
}
