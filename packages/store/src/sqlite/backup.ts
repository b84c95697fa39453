import { closeSync, existsSync, fsyncSync, linkSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../store.ts';

/**
 * A copy of one moment, while the store is in use. It gets its name only when it is whole and on the disk, and it
 * never replaces a file. `VACUUM INTO` reads in one transaction; SQLite's page-wise backup would begin anew with
 * every commit made meanwhile.
 */
export function copyInto(db: DatabaseSync, to: string): void {
  refuseExisting(to);
  const unfinished = `${to}.unfinished`;
  rmSync(unfinished, { force: true });
  try {
    // Made beforehand for its mode: a store holds environment variables and token hashes.
    closeSync(openSync(unfinished, 'wx', 0o600));
    db.prepare('VACUUM INTO ?').run(unfinished);
    sync(unfinished);
    publish(unfinished, to);
  } finally {
    rmSync(unfinished, { force: true });
  }
}

/** Gives a finished file its name, unless somebody has taken that meanwhile. */
export function publish(unfinished: string, to: string): void {
  try {
    linkSync(unfinished, to);
  } catch (error) {
    refuseExisting(to);
    throw error;
  }
  rmSync(unfinished);
  sync(dirname(to));
}

export function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function refuseExisting(path: string): void {
  if (existsSync(path))
    throw new StoreError('store_exists', `${path} is there already; nothing was written. Choose another name.`);
}
