import { StoreError, type StoreErrorCode } from '../store.ts';

/** Primary result codes of SQLite; the low byte of `errcode`. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/**
 * Turns what SQLite threw into a StoreError that names the file and the remedy.
 *
 * A full disk (`SQLITE_FULL`: a write found no space) is told apart from a failed sync (`SQLITE_IOERR_*`):
 * the first is rolled back cleanly and can be repeated, after the second nobody knows what the disk holds.
 */
export function failure(path: string, doing: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const [code, remedy] = classify(resultCode(cause));
  return new StoreError(code, `${path}: ${doing} failed: ${text}. ${remedy}`, { cause });
}

export function isFull(cause: unknown): boolean {
  return (resultCode(cause) & 0xff) === FULL;
}

function classify(code: number): [StoreErrorCode, string] {
  switch (code & 0xff) {
    case FULL:
      return ['store_full', 'The disk is full: free space on it.'];
    case IOERR:
      return ['store_io', 'The disk does not work as it should: look at the system log, then start again.'];
    case CORRUPT:
      return ['store_corrupt', 'The file is damaged: restore a backup (`cloudai restore`).'];
    case NOTADB:
      return ['store_foreign', 'The file is not a CloudAI store, or its beginning is damaged.'];
    case BUSY:
    case LOCKED:
      return ['store_locked', 'Another process holds the file: stop it first.'];
    case CANTOPEN:
      return ['store_io', 'The file can not be opened: check that it and its directory can be read and written.'];
    case READONLY:
      return ['store_io', 'The file can not be written: check its owner and mode, and that the disk is not read-only.'];
    default:
      return ['store_failed', 'This should not happen; please report it.'];
  }
}

function resultCode(cause: unknown): number {
  if (cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number') return cause.errcode;
  return 0;
}
