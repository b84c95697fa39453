/** Stored rows and their checksums: what was read is what was written, or the store says that it is damaged. */
import { StoreError } from '../store.ts';
import { ATTEMPT_COLUMNS, checksum, EVENT_COLUMNS, type Row, SEALED_COLUMNS, TASK_COLUMNS } from './codec.ts';

/** Select lists; the checks below take their rows and give back the values without the checksums. */
export const TASK_ROWS = [...SEALED_COLUMNS, ...TASK_COLUMNS, 'sealed', 'checksum'].join(', ');
export const ATTEMPT_ROWS = [...ATTEMPT_COLUMNS, 'checksum'].join(', ');
export const EVENT_ROWS = [...EVENT_COLUMNS, 'checksum'].join(', ');

const SEALED = SEALED_COLUMNS.length;

export function checkTask(path: string, row: Row): Row {
  const values = row.slice(0, -2);
  if (!isTaskSound(row)) throw damaged(path, `task ${row[1]}`);
  return values;
}

export function isTaskSound(row: Row): boolean {
  const sealed = checksum(row.slice(0, SEALED));
  const rest = checksum([row[0]!, ...row.slice(SEALED, -2)]);
  return sealed === row.at(-2) && rest === row.at(-1);
}

/** Attempts and events: the checksum is over all other values. */
export function checkRow(path: string, what: string, row: Row): Row {
  if (!isSound(row)) throw damaged(path, what);
  return row.slice(0, -1);
}

/** The checksum comes last and is over all other values. */
export function isSound(row: Row): boolean {
  return checksum(row.slice(0, -1)) === row.at(-1);
}

export function damaged(path: string, what: string): StoreError {
  return new StoreError(
    'store_corrupt',
    `${path}: ${what} is not as it was written: the file is damaged. Restore a backup (\`cloudai restore\`).`,
  );
}
