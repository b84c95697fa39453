/**
 * One master per store. The lock is SQLite's own on an empty file beside the store: the operating system gives it
 * back when the process ends, however it ends, so that nobody ever has to remove a stale one. A lock on the store
 * itself would not do: whoever holds that keeps the commits out too.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../store.ts';
import { failure } from './failure.ts';

export interface Lock {
  release(): void;
}

export function lock(path: string): Lock {
  const file = `${path}-lock`;
  const owner = `${path}-owner`;
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
    // Nothing is ever written, so that it works on a full disk, too, and the file can not be damaged.
    db.exec('PRAGMA journal_mode = MEMORY');
    db.exec('BEGIN IMMEDIATE');
  } catch (error) {
    db?.close();
    const cause = failure(file, 'locking the store', error);
    if (cause.code !== 'store_locked') throw cause;
    throw new StoreError(
      'store_locked',
      `${path} is in use by another master${heldBy(owner)}: only one may write to it. Stop that one first.`,
      { cause: error },
    );
  }
  const held = db;
  try {
    writeFileSync(owner, `process ${process.pid} on ${hostname()}\n`, { mode: 0o600 });
  } catch {
    // Only for the message above; the disk may be full.
  }
  return { release: () => held.close() };
}

function heldBy(owner: string): string {
  try {
    return ` (${readFileSync(owner, 'utf8').trim()})`;
  } catch {
    return '';
  }
}
