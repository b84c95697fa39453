/** Long work on the whole store, in a thread of its own for as long as it takes: copies and audits. */
import type { DatabaseSync } from 'node:sqlite';
import type { Finding } from '../store.ts';
import { copyInto } from './backup.ts';
import { connectForReading } from './connection.ts';
import { failure } from './failure.ts';
import { audit } from './fsck.ts';

export class Auditor {
  readonly #path: string;
  readonly #db: DatabaseSync;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#db = connectForReading(path);
    } catch (error) {
      throw failure(path, 'opening the store for reading', error);
    }
  }

  backup(to: string): void {
    try {
      copyInto(this.#db, to);
    } catch (error) {
      throw failure(to, `backing up ${this.#path}`, error);
    }
  }

  fsck(): Finding[] {
    try {
      return audit(this.#db);
    } catch (error) {
      throw failure(this.#path, 'auditing', error);
    }
  }

  close(): void {
    this.#db.close();
  }
}
