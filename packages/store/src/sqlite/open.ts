import { closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type OpenOptions, type Store, StoreError } from '../store.ts';
import { publish, sync } from './backup.ts';
import { checkFile, hasLog } from './connection.ts';
import { failure } from './failure.ts';
import { APPLICATION_ID, migrate } from './schema.ts';
import { SqliteStore } from './store.ts';

const RESERVE_BYTES = 64 * 1024 * 1024;

export async function openSqlite(file: string, options: OpenOptions): Promise<Store> {
  const path = resolve(file);
  if (options.create !== undefined) create(path, options.create.clusterId);
  // Before any thread is started: the commonest mistake is answered at once.
  checkFile(path);
  return SqliteStore.open(path, {
    readOnly: options.readOnly ?? false,
    reserveBytes: options.reserveBytes ?? RESERVE_BYTES,
  });
}

/** An empty store appears under its name only when it is whole: a half-made one can not be met. */
function create(path: string, clusterId: string): void {
  const left = existsSync(path) ? path : hasLog(path) ? `${path}-wal` : null;
  if (left !== null) {
    throw new StoreError('store_exists', `${left} is there already; nothing was changed. Open it, or move it away.`);
  }
  const unfinished = `${path}.unfinished`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(unfinished, { force: true });
    // Made beforehand for its mode, which the log inherits: a store holds environment variables and token hashes.
    closeSync(openSync(unfinished, 'wx', 0o600));
    const db = new DatabaseSync(unfinished);
    try {
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      migrate(db);
      db.prepare('INSERT INTO meta (one, cluster_id, epoch) VALUES (1, ?, 0)').run(clusterId);
    } finally {
      db.close();
    }
    sync(unfinished);
    publish(unfinished, path);
  } catch (error) {
    throw failure(path, 'making the store', error);
  } finally {
    rmSync(unfinished, { force: true });
  }
}
