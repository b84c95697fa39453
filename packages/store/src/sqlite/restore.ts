import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Restored, type RestoreOptions, StoreError } from '../store.ts';
import { copyInto, publish, sync } from './backup.ts';
import { checksum } from './checksum.ts';
import { checkApplication, identify } from './connection.ts';
import { failure } from './failure.ts';
import { audit } from './fsck.ts';
import { lock } from './lock.ts';
import { migrate } from './schema.ts';

/**
 * How far a restore raises the epoch. Masters may have led since the backup was made, one epoch each, in a store that
 * is lost; workers have seen those epochs and refuse lower ones.
 */
const EPOCH_STEP = 1_000;

/** See `restore` in `../restore.ts`. */
export function restoreSqlite(from: string, to: string, options: RestoreOptions): Restored {
  const source = resolve(from);
  const target = resolve(to);
  if (source === target) throw new StoreError('store_exists', `${source} can not be restored onto itself.`);
  if (!existsSync(source)) throw new StoreError('store_missing', `${source}: there is no backup.`);
  if (existsSync(target) && options.force !== true) {
    throw new StoreError(
      'store_exists',
      `${target} is there already; nothing was changed. Restore to another file, or force it: the old one is then kept aside.`,
    );
  }
  const unfinished = `${target}.restored`;
  try {
    mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
    const held = lock(target);
    try {
      rmSync(unfinished, { force: true });
      copy(source, unfinished);
      const epoch = raiseEpoch(unfinished, Math.max(epochOf(target), options.epoch ?? 0));
      sync(unfinished);
      const replaced = setAside(target);
      publish(unfinished, target);
      return { epoch, replaced };
    } finally {
      rmSync(unfinished, { force: true });
      held.release();
    }
  } catch (error) {
    throw failure(source, `restoring to ${target}`, error);
  }
}

/** A sound copy in this program's schema, or an error that says what is wrong with the backup. */
function copy(source: string, unfinished: string): void {
  const backup = new DatabaseSync(source, { readOnly: true });
  try {
    identify(backup, source);
    copyInto(backup, unfinished);
  } finally {
    backup.close();
  }
  const db = new DatabaseSync(unfinished);
  try {
    migrate(db);
    const findings = audit(db);
    if (findings.length > 0) {
      const first = findings.slice(0, 3).map(({ invariant, message }) => `${invariant}: ${message}`);
      throw new StoreError(
        'store_corrupt',
        `${source} is not sound, nothing was restored; ${findings.length} findings, the first: ${first.join('; ')}. Use an older backup.`,
      );
    }
  } finally {
    db.close();
  }
}

/** Above every epoch that any master of before can have led, so that none of them can commit or give orders. */
function raiseEpoch(path: string, least: number): number {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA synchronous = FULL');
    db.exec('BEGIN IMMEDIATE');
    const epoch = Math.max(least, Number(db.prepare('SELECT epoch FROM meta').get()!.epoch)) + EPOCH_STEP;
    db.prepare('UPDATE meta SET epoch = ?').run(epoch);
    db.prepare('INSERT INTO leadership SELECT ?, coalesce(max(sequence), 0), 1 FROM event').run(epoch);
    const cluster = db.prepare('SELECT row FROM cluster').get();
    if (cluster !== undefined) {
      const row = JSON.stringify({ ...JSON.parse(String(cluster.row)), epoch });
      db.prepare('UPDATE cluster SET row = ?, checksum = ?').run(row, checksum([row]));
    }
    db.exec('COMMIT');
    return epoch;
  } finally {
    db.close();
  }
}

/** The epoch of the store that is to be replaced; 0 when there is none, or it can not be read any more. */
function epochOf(path: string): number {
  let db: DatabaseSync | null = null;
  try {
    // Of an older program's store, and of a newer one's: the table is the same in all of them.
    db = new DatabaseSync(path, { readOnly: true });
    checkApplication(db, path);
    return Number(db.prepare('SELECT epoch FROM meta').get()!.epoch);
  } catch {
    // A damaged store is what restores are for.
    return 0;
  } finally {
    db?.close();
  }
}

/** Gives the old store, with its log, another name. */
function setAside(path: string): string | null {
  // Without the file itself a log may be left, which SQLite would take for the restored store's.
  if (!existsSync(path) && !existsSync(`${path}-wal`)) return null;
  let aside = `${path}.replaced`;
  for (let n = 2; existsSync(aside) || existsSync(`${aside}-wal`); n += 1) aside = `${path}.replaced-${n}`;
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${aside}-wal`);
  if (existsSync(path)) renameSync(path, aside);
  rmSync(`${path}-shm`, { force: true });
  sync(dirname(path));
  return aside;
}
