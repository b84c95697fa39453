/**
 * The thread that writes. One connection, one transaction per commit.
 *
 *   ok      enters: open, or the reserve could be made again        leaves: a commit found no space, a commit failed
 *   full    enters: a commit found no space and took the reserve     leaves: the reserve is back, a commit failed
 *   failed  enters: any failure that is not a clean "no space"       leaves: never; the store is opened again
 *
 * A sync that failed is never repeated: the kernel may have dropped the pages and report success the next time.
 */
import type { DatabaseSync } from 'node:sqlite';
import { type Retention, StoreError, type StoreHealth } from '../store.ts';
import {
  ARITY,
  ATTEMPT_COLUMNS,
  checksum,
  EVENT_COLUMNS,
  OP,
  type Row,
  SEALED_COLUMNS,
  TASK_COLUMNS,
  type Value,
} from './codec.ts';
import { checkFile, checkLength, connectForWriting, Statements } from './connection.ts';
import { failure, isFull } from './failure.ts';
import { type Lock, lock } from './lock.ts';
import { type PruneStep, pruneEvents, pruneTasks } from './prune.ts';
import { Reserve } from './reserve.ts';
import { migrate } from './schema.ts';

/** After so many row changes the log is copied into the file; a change dirties one to four pages of 4 KiB. */
const CHECKPOINT_CHANGES = 5_000;
const CHECKPOINT_COMMITS = 1_000;
/** Specs and task ids that the writer remembers, so as not to look them up. */
const MOST_SPECS = 512;
const MOST_IDS = 50_000;
/** How often the disk is looked at: for the health, and for room to make the reserve again. */
const LOOK_MS = 1_000;
/** With less than this left at start, opening itself might not succeed: the reserve is given up at once. */
const LEAST_FREE_BYTES = 1024 * 1024;

const TASK_VALUES = SEALED_COLUMNS.length + TASK_COLUMNS.length;
const INSERT_TASK = `INSERT INTO task (${[...SEALED_COLUMNS, ...TASK_COLUMNS, 'sealed', 'checksum'].join(', ')})
  VALUES (${places(TASK_VALUES + 2)})`;
const UPDATE_TASK = `UPDATE task SET ${[...TASK_COLUMNS, 'checksum'].map((name, i) => `${name} = ?${i + 2}`).join(', ')}
  WHERE sequence = ?1`;
const UPSERT_ATTEMPT = `INSERT INTO attempt (${[...ATTEMPT_COLUMNS, 'checksum'].join(', ')})
  VALUES (${places(ATTEMPT_COLUMNS.length + 1)}) ON CONFLICT (task, number) DO UPDATE SET
  ${[...ATTEMPT_COLUMNS.slice(2), 'checksum'].map((name) => `${name} = excluded.${name}`).join(', ')}`;
const INSERT_EVENT = `INSERT INTO event (${[...EVENT_COLUMNS, 'checksum', 'task'].join(', ')})
  VALUES (${places(EVENT_COLUMNS.length + 2)})`;

export interface WriterOptions {
  readonly path: string;
  readonly reserveBytes: number;
}

export class Writer {
  readonly #path: string;
  readonly #tell: (health: StoreHealth) => void;
  readonly #lock: Lock;
  readonly #reserve: Reserve;
  readonly #db: DatabaseSync;
  readonly #statements: Statements;
  readonly #specs = new Map<string, number>();
  readonly #sequences = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;
  #health: StoreHealth;
  #epoch = 0;
  #changes = 0;
  #commits = 0;
  #atLastLook = 0;

  constructor(options: WriterOptions, tell: (health: StoreHealth) => void) {
    this.#path = options.path;
    this.#tell = tell;
    // First, so that nothing is left beside a store that is not there.
    checkFile(options.path);
    this.#lock = lock(options.path);
    let db: DatabaseSync | null = null;
    try {
      this.#reserve = new Reserve(options.path, options.reserveBytes);
      const tight = this.#reserve.freeBytes() < LEAST_FREE_BYTES && this.#reserve.release();
      db = connectForWriting(options.path);
      migrate(db);
      this.#db = db;
      this.#statements = new Statements(db);
      this.#checkpoint('PASSIVE');
      checkLength(db, options.path);
      this.#health = this.#look(tight || this.#reserve.isSpent ? 'full' : 'ok');
      this.#timer = setInterval(() => this.#watch(), LOOK_MS);
    } catch (error) {
      db?.close();
      this.#lock.release();
      throw failure(options.path, 'opening the store', error);
    }
  }

  get health(): StoreHealth {
    return this.#health;
  }

  /** `batch` as `encode` made it. */
  commit(epoch: number, batch: readonly Value[]): void {
    this.#transaction('a commit', () => {
      this.#fence(epoch);
      this.#apply(batch);
    });
    this.#epoch = epoch;
  }

  pruneTasks(retention: Retention, now: number): PruneStep {
    return this.#transaction('removing old tasks', () => {
      this.#fenceAgain();
      return pruneTasks(this.#statements, retention, now);
    });
  }

  pruneEvents(retention: Retention, now: number): PruneStep {
    return this.#transaction('removing old events', () => {
      this.#fenceAgain();
      return pruneEvents(this.#statements, retention, now);
    });
  }

  close(): void {
    clearInterval(this.#timer);
    try {
      // After a failure the log stays as it is; the next opening recovers from it.
      if (!this.#isFailed) {
        this.#db.exec('PRAGMA busy_timeout = 0');
        this.#checkpoint('TRUNCATE');
      }
    } catch {
      // All that was acknowledged is in the log, and the next opening finds it there.
    } finally {
      this.#db.close();
      this.#lock.release();
    }
  }

  #transaction<T>(doing: string, work: () => T): T {
    if (this.#isFailed) {
      throw new StoreError('store_failed', `${this.#path}: open the store again. ${this.#health.message ?? ''}`);
    }
    let result: T;
    try {
      try {
        result = this.#attempt(work);
      } catch (error) {
        if (!isFull(error) || !this.#reserve.release()) throw error;
        // The transaction was rolled back before any sync, so that the same one may be tried in the new space.
        this.#become('full');
        result = this.#attempt(work);
      }
    } catch (error) {
      const problem = failure(this.#path, doing, error);
      if (isFull(error)) this.#become('full');
      else this.#become('failed', problem.message);
      throw problem;
    }
    this.#commits += 1;
    if (this.#changes >= CHECKPOINT_CHANGES || this.#commits >= CHECKPOINT_COMMITS) {
      // After the answer, which leaves with the end of this call: nobody waits for the copying but the next commit.
      setImmediate(() => this.#checkpointInBackground());
    }
    return result;
  }

  #attempt<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#specs.clear();
      this.#sequences.clear();
      // SQLite rolls back by itself after most failures of the disk.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Compares the epoch inside the transaction that it protects. */
  #fence(epoch: number): void {
    const stored = this.#statements.one('SELECT epoch FROM meta')?.[0] as number;
    if (epoch < stored) {
      throw new StoreError(
        'stale_epoch',
        `${this.#path}: this master leads epoch ${epoch}, another one has taken over with epoch ${stored}.`,
      );
    }
    if (epoch > stored) {
      this.#statements.get('UPDATE meta SET epoch = ?').run(epoch);
      this.#statements.get('INSERT INTO leadership SELECT ?, coalesce(max(sequence), 0), 0 FROM event').run(epoch);
    }
  }

  #fenceAgain(): void {
    if (this.#epoch > 0) this.#fence(this.#epoch);
  }

  #apply(batch: readonly Value[]): void {
    for (let at = 0; at < batch.length; ) {
      const op = batch[at] as number;
      const end = at + 1 + ARITY[op]!;
      this.#write(op, batch.slice(at + 1, end));
      this.#changes += 1;
      at = end;
    }
  }

  #write(op: number, values: Value[]): void {
    const get = (text: string) => this.#statements.get(text);
    switch (op) {
      case OP.createTask: {
        // sequence ... submitted_at, image, spec, and then what changes.
        const first = SEALED_COLUMNS.length - 1;
        const spec = this.#specNumber(values[first] as string, values[first + 1] as string);
        values.splice(first, 2, spec);
        const sealed = checksum(values.slice(0, SEALED_COLUMNS.length));
        const rest = checksum([values[0]!, ...values.slice(SEALED_COLUMNS.length)]);
        get(INSERT_TASK).run(...values, sealed, rest);
        this.#remember(values[1] as string, values[0] as number);
        return;
      }
      case OP.updateTask: {
        const { changes } = get(UPDATE_TASK).run(...values, checksum(values));
        if (changes !== 1) throw new Error(`the task with sequence ${values[0]} is not stored, so it can not change`);
        return;
      }
      case OP.label:
        get('INSERT INTO label (task, key, value) VALUES (?, ?, ?)').run(...values);
        return;
      case OP.attempt: {
        const task = this.#sequenceOf(values[0] as string);
        if (task === null) throw new Error(`attempt ${values[1]} belongs to task ${values[0]}, which is not stored`);
        values[0] = task;
        get(UPSERT_ATTEMPT).run(...values, checksum(values));
        return;
      }
      case OP.event: {
        const task = values[4] === null ? null : this.#sequenceOf(values[4] as string);
        get(INSERT_EVENT).run(...values, checksum(values), task);
        return;
      }
      case OP.cluster:
        get('INSERT OR REPLACE INTO cluster (one, row, checksum) VALUES (1, ?, ?)').run(...values, checksum(values));
        return;
      case OP.worker:
        get('INSERT OR REPLACE INTO worker (id, row, checksum) VALUES (?, ?, ?)').run(...values, checksum(values));
        return;
      case OP.removeWorker:
        get('DELETE FROM worker WHERE id = ?').run(...values);
        return;
      case OP.namespace:
        get('INSERT OR REPLACE INTO namespace (name, row, checksum) VALUES (?, ?, ?)').run(...values, checksum(values));
        return;
      case OP.user:
        get('INSERT OR REPLACE INTO user (name, row, checksum) VALUES (?, ?, ?)').run(...values, checksum(values));
        return;
      case OP.token:
        get('INSERT OR REPLACE INTO token (id, row, checksum) VALUES (?, ?, ?)').run(...values, checksum(values));
        return;
      case OP.job:
        get('INSERT OR REPLACE INTO job (id, row, checksum) VALUES (?, ?, ?)').run(...values, checksum(values));
        return;
      case OP.idempotency:
        get('INSERT OR REPLACE INTO idempotency (namespace, key, row, checksum) VALUES (?, ?, ?, ?)').run(
          ...values,
          checksum(values),
        );
        return;
      case OP.removeIdempotency:
        get('DELETE FROM idempotency WHERE namespace = ? AND key = ?').run(...values);
        return;
      default:
        throw new Error(`unknown operation ${op}`);
    }
  }

  #specNumber(image: string, spec: string): number {
    const known = this.#specs.get(spec);
    if (known !== undefined) return known;
    const row: Row = [image, spec];
    const { lastInsertRowid } = this.#statements
      .get('INSERT INTO spec (image, spec, checksum) VALUES (?, ?, ?)')
      .run(...row, checksum(row));
    if (this.#specs.size >= MOST_SPECS) this.#specs.clear();
    this.#specs.set(spec, Number(lastInsertRowid));
    return Number(lastInsertRowid);
  }

  #sequenceOf(taskId: string): number | null {
    const known = this.#sequences.get(taskId);
    if (known !== undefined) return known;
    const row = this.#statements.one('SELECT sequence FROM task WHERE id = ?', taskId);
    if (row === undefined) return null;
    this.#remember(taskId, row[0] as number);
    return row[0] as number;
  }

  #remember(taskId: string, sequence: number): void {
    if (this.#sequences.size >= MOST_IDS) this.#sequences.clear();
    this.#sequences.set(taskId, sequence);
  }

  #checkpointInBackground(): void {
    if (this.#isFailed || !this.#db.isOpen) return;
    try {
      this.#checkpoint('PASSIVE');
    } catch (error) {
      // Without space the log stays; the reserve's story is the commits' own. Anything else is the disk's failure.
      if (!isFull(error)) this.#become('failed', failure(this.#path, 'a checkpoint', error).message);
    }
  }

  #checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): void {
    this.#db.prepare(`PRAGMA wal_checkpoint(${mode})`).get();
    this.#changes = 0;
    this.#commits = 0;
  }

  #watch(): void {
    if (this.#isFailed) return;
    const idle = this.#changes > 0 && this.#changes === this.#atLastLook;
    this.#atLastLook = this.#changes;
    if (idle) this.#checkpointInBackground();
    void this.#reserve.make();
    if (!this.#isFailed) this.#become(this.#reserve.isSpent ? 'full' : 'ok');
  }

  get #isFailed(): boolean {
    return this.#health.state === 'failed';
  }

  #become(state: StoreHealth['state'], message?: string): void {
    this.#health = this.#look(state, message);
    this.#tell(this.#health);
  }

  #look(state: StoreHealth['state'], message?: string): StoreHealth {
    const reserveBytes = this.#reserve.bytes;
    let freeBytes = 0;
    try {
      freeBytes = this.#reserve.freeBytes();
    } catch {
      // Only a figure for people; what matters shows in the commits.
    }
    const full =
      `${this.#path}: the disk is full (${freeBytes} bytes free); ` +
      `with ${this.#reserve.neededBytes} bytes free new work is accepted again.`;
    return { state, message: message ?? (state === 'full' ? full : null), freeBytes, reserveBytes };
  }
}

function places(count: number): string {
  return Array.from({ length: count }, (_, i) => `?${i + 1}`).join(', ');
}
