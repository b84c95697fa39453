import { statSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { StoreError } from '../store.ts';
import type { Row } from './codec.ts';
import { APPLICATION_ID, SCHEMA, schemaOf } from './schema.ts';

/** How long a connection waits for another one's lock; only recovery and checkpoints of others hold one. */
const BUSY_MS = 5_000;
const WRITE_CACHE_KIB = 64 * 1024;
const READ_CACHE_KIB = 32 * 1024;
/** The log is cut back to this after it grew beyond it, e.g. during a long backup. */
const LOG_LIMIT_BYTES = 64 * 1024 * 1024;
/** SQLite's `synchronous` levels are numbers when read back. */
const FULL = 2;
/** Below this a file holds not even SQLite's smallest page. */
const SMALLEST_FILE_BYTES = 512;

/**
 * The connection that writes. `synchronous=FULL`: every commit is synced before it is acknowledged (NORMAL loses
 * acknowledged commits in a power cut). Checkpoints are the writer's own: SQLite's automatic ones swallow errors,
 * a failed sync among them.
 */
export function connectForWriting(path: string): DatabaseSync {
  checkFile(path);
  const db = new DatabaseSync(path, { timeout: BUSY_MS, enableForeignKeyConstraints: false });
  try {
    // Before anything else, and above all before anything that writes: is it ours?
    identify(db, path);
    expect(db, path, 'journal_mode', 'wal', `PRAGMA journal_mode = WAL`);
    expect(db, path, 'synchronous', FULL, `PRAGMA synchronous = FULL`);
    db.exec('PRAGMA fullfsync = ON');
    db.exec('PRAGMA wal_autocheckpoint = 0');
    db.exec(`PRAGMA journal_size_limit = ${LOG_LIMIT_BYTES}`);
    tune(db, WRITE_CACHE_KIB);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A connection that reads; as many as wanted, beside the one that writes. */
export function connectForReading(path: string): DatabaseSync {
  checkFile(path);
  const db = new DatabaseSync(path, { timeout: BUSY_MS, readOnly: true });
  try {
    identify(db, path);
    const schema = schemaOf(db);
    if (schema < SCHEMA) {
      throw new StoreError(
        'store_failed',
        `${path} has schema ${schema}, this program reads ${SCHEMA}: start the master once to bring it up to date. ` +
          'To back it up before that, use the program that made it.',
      );
    }
    tune(db, READ_CACHE_KIB);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A file that is cut off is found here rather than by the query that happens to need the missing end. */
export function checkLength(db: DatabaseSync, path: string): void {
  const pages = Number(db.prepare('PRAGMA page_count').get()!.page_count);
  const pageBytes = Number(db.prepare('PRAGMA page_size').get()!.page_size);
  const { size } = statSync(path);
  if (size < pages * pageBytes) {
    throw new StoreError(
      'store_corrupt',
      `${path} is cut off: ${size} bytes of ${pages * pageBytes} are there. Restore a backup (\`cloudai restore\`).`,
    );
  }
}

/** Statements by their text. Texts that vary (listings) are bounded: the oldest goes first. */
export class Statements {
  static readonly #MOST = 200;
  readonly #db: DatabaseSync;
  readonly #byText = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Rows come as arrays of values in the order of the columns. */
  get(text: string): StatementSync {
    let statement = this.#byText.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      statement.setReturnArrays(true);
      if (this.#byText.size >= Statements.#MOST) {
        const [oldest] = this.#byText.keys();
        this.#byText.delete(oldest!);
      }
      this.#byText.set(text, statement);
    }
    return statement;
  }

  all(text: string, ...values: Row): Row[] {
    // node:sqlite types rows as objects; with setReturnArrays they are arrays.
    return this.get(text).all(...values) as unknown as Row[];
  }

  one(text: string, ...values: Row): Row | undefined {
    return this.get(text).get(...values) as unknown as Row | undefined;
  }

  iterate(text: string, ...values: Row): Iterable<Row> {
    return this.get(text).iterate(...values) as unknown as Iterable<Row>;
  }
}

/** Throws unless there is a file that may be a store. */
export function checkFile(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) {
    throw new StoreError(
      'store_missing',
      hasLog(path)
        ? `${path}: the store is gone, but its log ${path}-wal is still there. Put the file back or restore a backup.`
        : `${path}: there is no store. Make one with \`cloudai init\`, or restore a backup.`,
    );
  }
  if (!stat.isFile()) throw new StoreError('store_foreign', `${path} is not a file.`);
  if (stat.size < SMALLEST_FILE_BYTES) {
    throw new StoreError(
      'store_corrupt',
      `${path} is cut off: only ${stat.size} bytes are there. Restore a backup (\`cloudai restore\`).`,
    );
  }
}

/** Whether there is a log that holds anything; who only reads may leave an empty one. */
export function hasLog(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Throws unless this is a CloudAI store, of whatever schema. */
export function checkApplication(db: DatabaseSync, path: string): void {
  const application = Number(db.prepare('PRAGMA application_id').get()!.application_id);
  if (application !== APPLICATION_ID) {
    throw new StoreError('store_foreign', `${path} is an SQLite file of another program, not a CloudAI store.`);
  }
}

/** Throws unless this is a CloudAI store that this program can read, or bring up to date. */
export function identify(db: DatabaseSync, path: string): void {
  checkApplication(db, path);
  const schema = schemaOf(db);
  if (schema > SCHEMA) {
    throw new StoreError(
      'store_newer',
      `${path} has schema ${schema}, this program knows ${SCHEMA}: ` +
        `use a newer CloudAI, or restore a backup that was made before the upgrade.`,
    );
  }
}

function tune(db: DatabaseSync, cacheKib: number): void {
  db.exec(`PRAGMA cache_size = -${cacheKib}`);
  db.exec('PRAGMA temp_store = MEMORY');
  db.exec('PRAGMA cell_size_check = ON');
  db.exec('PRAGMA trusted_schema = OFF');
}

function expect(db: DatabaseSync, path: string, pragma: string, value: string | number, set: string): void {
  db.exec(set);
  const found = db.prepare(`PRAGMA ${pragma}`).get()![pragma];
  if (found !== value) {
    throw new StoreError('store_io', `${path}: SQLite gives ${pragma} ${String(found)} where ${value} is needed.`);
  }
}
