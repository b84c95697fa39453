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
import { RowWriter } from './apply.ts';
import type { Value } from './codec.ts';
import { checkFile, checkLength, connectForWriting, Statements } from './connection.ts';
import { failure, isFull } from './failure.ts';
import { type Lock, lock } from './lock.ts';
import { type PruneStep, pruneEvents, pruneTasks } from './prune.ts';
import { Reserve } from './reserve.ts';
import { migrate } from './schema.ts';

/** After so many row changes the log is copied into the file; a change dirties one to four pages of 4 KiB. */
const CHECKPOINT_CHANGES = 5_000;
const CHECKPOINT_COMMITS = 1_000;
/** How often the disk is looked at: for the health, and for room to make the reserve again. */
const LOOK_MS = 1_000;
/** With less than this left at start, opening itself might not succeed: the reserve is given up at once. */
const LEAST_FREE_BYTES = 1024 * 1024;

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
  readonly #rows: RowWriter;
  readonly #timer: NodeJS.Timeout;
  #health: StoreHealth;
  #epoch = 0;
  #changes = 0;
  #commits = 0;
  #checkpointing = false;
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
      this.#rows = new RowWriter(this.#statements);
      // Only then is every page in the file; somebody who reads may keep the log from being copied whole.
      if (this.#checkpoint('PASSIVE')) checkLength(db, options.path);
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
      this.#changes += this.#rows.apply(batch);
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
    const due = this.#changes >= CHECKPOINT_CHANGES || this.#commits >= CHECKPOINT_COMMITS;
    if (due && !this.#checkpointing) {
      this.#checkpointing = true;
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
      this.#rows.forget();
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

  #checkpointInBackground(): void {
    this.#checkpointing = false;
    if (this.#isFailed || !this.#db.isOpen) return;
    try {
      this.#checkpoint('PASSIVE');
    } catch (error) {
      // Without space the log stays; the reserve's story is the commits' own. Anything else is the disk's failure.
      if (!isFull(error)) this.#become('failed', failure(this.#path, 'a checkpoint', error).message);
    }
  }

  /** Copies the log into the file; false: not all of it. */
  #checkpoint(mode: 'PASSIVE' | 'TRUNCATE'): boolean {
    // Also when it fails for want of space: the next try is due after as many changes again.
    this.#changes = 0;
    this.#commits = 0;
    const done = this.#db.prepare(`PRAGMA wal_checkpoint(${mode})`).get();
    return done?.busy === 0 && done.log === done.checkpointed;
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
    const freeBytes = this.#reserve.freeBytes();
    const full =
      `${this.#path}: the disk is full (${freeBytes} bytes free); ` +
      `with ${this.#reserve.neededBytes} bytes free new work is accepted again.`;
    return { state, message: message ?? (state === 'full' ? full : null), freeBytes, reserveBytes };
  }
}
