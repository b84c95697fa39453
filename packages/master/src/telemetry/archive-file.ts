/**
 * `telemetry.db`: minutes, hours and attempts in SQLite. It runs in a thread of its own, beside the store and never in its
 * way: another file, and one sync in minutes instead of one per commit. What a power cut takes are the last minutes of
 * charts; the file stays whole. When it does not, it is moved aside and begun anew.
 *
 * Minutes come as one row for all workers. When an hour is over its rows become one row per worker, so that a month of
 * one worker is 720 rows to read and not a walk over everybody's.
 */
import { readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StoredSeries } from './attempt-series.ts';
import { decodeAttempt, decodeMinutes, encodeAttempt, Hour, MINUTES } from './blocks.ts';
import { Buckets, type Point } from './buckets.ts';
import { CLUSTER_FIELDS, type Fields } from './fields.ts';
import { MINUTE_MS } from './range.ts';

export interface ArchiveLimits {
  /** Minutes older than this are removed. */
  readonly keepMs: number;
  /** The oldest go when the file would be larger. */
  readonly maxBytes: number;
}

export interface ArchiveInfo {
  readonly sizeBytes: number;
  readonly writtenBytes: number;
}

export interface AttemptRow {
  readonly taskId: string;
  readonly attempt: number;
  readonly series: StoredSeries;
}

const APPLICATION_ID = 0x43_41_49_54;
const SCHEMA = 1;
const HOUR_MS = 3_600_000;
const SYNC_EVERY_MS = 600_000;
/** Removed at a time, so that a reader waits for milliseconds only. */
const ATTEMPTS_AT_ONCE = 500;
const DAMAGED = /\.damaged-\d+(-wal|-shm)?$/;
/** SQLite's result codes for a file that can not be used any more. */
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

const TABLES = `
  CREATE TABLE minute (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, data BLOB NOT NULL);
  CREATE INDEX minute_at ON minute (at);
  CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE hour (at INTEGER NOT NULL, source INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (at, source))
    WITHOUT ROWID;
  CREATE TABLE attempt (
    id INTEGER PRIMARY KEY, task TEXT NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL
  );
  CREATE UNIQUE INDEX attempt_key ON attempt (task, number);
  CREATE INDEX attempt_at ON attempt (at);
`;

export class ArchiveFile {
  readonly #path: string;
  readonly #limits: ArchiveLimits;
  readonly #onDamage: (message: string) => void;
  #db: DatabaseSync;
  #syncedAt = 0;
  #writtenBytes = 0;

  /** Throws only when the folder takes no file at all. */
  constructor(file: string, limits: ArchiveLimits, onDamage: (message: string) => void) {
    this.#path = file;
    this.#limits = limits;
    this.#onDamage = onDamage;
    try {
      this.#db = open(file);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#db = this.#beginAnew(error);
    }
    this.#guard(() => this.#compact(Number.POSITIVE_INFINITY), undefined);
  }

  putMinute(at: number, data: Uint8Array): void {
    this.#guard(() => {
      this.#writtenBytes += data.byteLength;
      const newest = Number(this.#one('SELECT max(at) AS at FROM minute')?.at ?? at);
      this.#db.prepare('INSERT INTO minute (at, data) VALUES (?, ?)').run(at, data);
      if (Math.floor(at / HOUR_MS) > Math.floor(newest / HOUR_MS)) {
        this.#compact(at);
        this.#trim(at);
      }
      this.#sync(at);
    }, undefined);
  }

  putAttempts(rows: readonly AttemptRow[]): void {
    this.#guard(() => {
      const put = this.#db.prepare(
        `INSERT INTO attempt (task, number, at, data) VALUES (?, ?, ?, ?)
         ON CONFLICT (task, number) DO UPDATE SET at = excluded.at, data = excluded.data`,
      );
      this.#inTransaction(() => {
        for (const { taskId, attempt, series } of rows) {
          const data = encodeAttempt(series);
          this.#writtenBytes += data.byteLength;
          put.run(taskId, attempt, series.lastAt, data);
        }
      });
    }, undefined);
  }

  /** Minutes of [from, to), brought into steps from `from` on. */
  minutes(source: string, fields: Fields, from: number, to: number, stepMs: number): Point[] {
    return this.#guard(() => {
      const buckets = new Buckets(fields, from, to, stepMs);
      const width = fields.names.length;
      const add = (at: number, minute: Omit<Parameters<Hour['add']>[1], 'source'>) => {
        if (minute.weight > 0 && at >= from && at < to) buckets.add({ at, holdMs: MINUTE_MS, ...minute });
      };
      const id = this.#one('SELECT id FROM source WHERE name = ?', source)?.id;
      if (id !== undefined) {
        const oldest = Number(this.#one('SELECT min(at) AS at FROM hour')?.at ?? to);
        const read = this.#db.prepare('SELECT data FROM hour WHERE at = ? AND source = ?');
        for (let hour = Math.max(hourOf(from), oldest); hour < to; hour += HOUR_MS) {
          const row = read.get(hour, Number(id));
          if (row === undefined) continue;
          const block = Hour.decode(row.data as Uint8Array);
          for (let minute = 0; minute < MINUTES; minute += 1)
            add(hour + minute * MINUTE_MS, block.minute(minute, width));
        }
      }
      const rows = this.#db.prepare('SELECT at, data FROM minute WHERE at >= ? AND at < ?').iterate(hourOf(from), to);
      for (const row of rows)
        decodeMinutes(row.data as Uint8Array, source, ({ weight, mean, max }) =>
          add(Number(row.at), { weight, mean: padded(mean, width), max: padded(max, width) }),
        );
      return buckets.points();
    }, []);
  }

  attempt(taskId: string, attempt: number): StoredSeries | null {
    return this.#guard(() => {
      const row = this.#one('SELECT data FROM attempt WHERE task = ? AND number = ?', taskId, attempt);
      return row === undefined ? null : decodeAttempt(row.data as Uint8Array);
    }, null);
  }

  remove(taskId: string): void {
    this.#guard(() => this.#db.prepare('DELETE FROM attempt WHERE task = ?').run(taskId), undefined);
  }

  info(): ArchiveInfo {
    return { sizeBytes: this.#guard(() => this.#pages('page_count'), 0), writtenBytes: this.#writtenBytes };
  }

  close(): void {
    this.#db.close();
  }

  /** Turns the rows of every hour that was over at `now` into one row per source. */
  #compact(now: number): void {
    const newest = Number(this.#one('SELECT max(at) AS at FROM minute')?.at ?? 0);
    const before = Math.min(hourOf(now), hourOf(newest));
    const hours = this.#db
      .prepare(`SELECT DISTINCT at / ${HOUR_MS} AS hour FROM minute WHERE at < ?`)
      .all(before)
      .map(({ hour }) => Number(hour) * HOUR_MS);
    for (const hour of hours) this.#inTransaction(() => this.#compactHour(hour));
  }

  #compactHour(hour: number): void {
    const blocks = new Map<string, Hour>();
    const rows = this.#db.prepare('SELECT at, data FROM minute WHERE at >= ? AND at < ? ORDER BY id');
    for (const { at, data } of rows.iterate(hour, hour + HOUR_MS))
      decodeMinutes(data as Uint8Array, null, (minute) => {
        let block = blocks.get(minute.source);
        if (block === undefined) {
          block = this.#stored(hour, minute.source) ?? new Hour(minute.mean.length);
          blocks.set(minute.source, block);
        }
        block.add(Math.floor((Number(at) - hour) / MINUTE_MS), minute, countsOf(minute.source));
      });
    const name = this.#db.prepare('INSERT OR IGNORE INTO source (name) VALUES (?)');
    const put = this.#db.prepare(
      'INSERT OR REPLACE INTO hour (at, source, data) VALUES (?, (SELECT id FROM source WHERE name = ?), ?)',
    );
    for (const [source, block] of blocks) {
      const data = block.encode();
      this.#writtenBytes += data.byteLength;
      name.run(source);
      put.run(hour, source, data);
    }
    this.#db.prepare('DELETE FROM minute WHERE at >= ? AND at < ?').run(hour, hour + HOUR_MS);
  }

  /** The clock went back into an hour that was over. */
  #stored(hour: number, source: string): Hour | null {
    const row = this.#one(
      'SELECT data FROM hour WHERE at = ? AND source = (SELECT id FROM source WHERE name = ?)',
      hour,
      source,
    );
    return row === undefined ? null : Hour.decode(row.data as Uint8Array);
  }

  #trim(now: number): void {
    this.#db.prepare('DELETE FROM hour WHERE at < ?').run(now - this.#limits.keepMs);
    while (this.#pages('page_count') - this.#pages('freelist_count') > this.#limits.maxBytes) {
      const oldest = this.#one('SELECT min(at) AS at FROM hour')?.at;
      const until = oldest == null ? Number.MAX_SAFE_INTEGER : Number(oldest) + HOUR_MS;
      const gone = this.#db
        .prepare(`DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE at < ? ORDER BY at LIMIT ?)`)
        .run(until, ATTEMPTS_AT_ONCE);
      if (Number(gone.changes) > 0) continue;
      if (oldest == null) return;
      this.#db.prepare('DELETE FROM hour WHERE at = ?').run(Number(oldest));
    }
  }

  #sync(now: number): void {
    if (Math.abs(now - this.#syncedAt) < SYNC_EVERY_MS) return;
    this.#syncedAt = now;
    this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  #pages(pragma: 'page_count' | 'freelist_count'): number {
    const count = Number(this.#one(`PRAGMA ${pragma}`)?.[pragma] ?? 0);
    return count * Number(this.#one('PRAGMA page_size')?.page_size ?? 0);
  }

  #inTransaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #one(sql: string, ...values: (string | number)[]): Record<string, unknown> | undefined {
    return this.#db.prepare(sql).get(...values);
  }

  /** Damage costs the charts and nothing else. Other failures, such as a full disk, are the caller's to report. */
  #guard<T>(work: () => T, otherwise: T): T {
    try {
      return work();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#db = this.#beginAnew(error);
      return otherwise;
    }
  }

  #beginAnew(cause: unknown): DatabaseSync {
    try {
      this.#db?.close();
    } catch {
      // It is being given up.
    }
    const aside = `${this.#path}.damaged-${Date.now()}`;
    // One is kept for whoever wants to look; a disk that damages files shall not be filled with them.
    const folder = path.dirname(this.#path);
    const base = path.basename(this.#path);
    for (const name of readdirSync(folder))
      if (name.startsWith(base) && DAMAGED.test(name)) rmSync(path.join(folder, name), { force: true });
    for (const suffix of ['', '-wal', '-shm'])
      try {
        renameSync(`${this.#path}${suffix}`, `${aside}${suffix}`);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#onDamage(`${this.#path} can not be used (${why}); it is now ${aside}, and charts begin anew`);
    return open(this.#path);
  }
}

class Foreign extends Error {}

function open(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: 5_000 });
  try {
    db.exec('PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = NORMAL');
    db.exec('PRAGMA cache_size = -4096');
    db.exec('PRAGMA trusted_schema = OFF');
    const { application_id: application } = db.prepare('PRAGMA application_id').get()!;
    const { user_version: schema } = db.prepare('PRAGMA user_version').get()!;
    if (Number(application) === APPLICATION_ID && Number(schema) === SCHEMA) return db;
    const isEmpty = Number(db.prepare('SELECT count(*) AS count FROM sqlite_schema').get()!.count) === 0;
    if (!isEmpty) throw new Foreign(`it is of another program or version: schema ${Number(schema)}`);
    db.exec(`BEGIN; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA}; ${TABLES} COMMIT;`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** A block that does not inflate is as lost as a page that SQLite refuses. */
function isDamage(error: unknown): boolean {
  const { errcode, code } = error as { errcode?: number; code?: string };
  if (typeof errcode === 'number') return [CORRUPT, NOT_A_DATABASE].includes(errcode & 0xff);
  return error instanceof Foreign || error instanceof RangeError || (code?.startsWith('Z_') ?? false);
}

function countsOf(source: string): (column: number) => boolean {
  return source === '' ? (column) => CLUSTER_FIELDS.isCount[column] === true : () => false;
}

function padded(values: Float32Array, width: number): Float32Array {
  if (values.length === width) return values;
  return Float32Array.from({ length: width }, (_, index) => values[index] ?? Number.NaN);
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS;
}
