/** Stored rows and their checksums: what was read is what was written, or the store says that it is damaged. */
import { StoreError } from '../store.ts';
import { checksum } from './checksum.ts';
import { ATTEMPT_COLUMNS, EVENT_COLUMNS, type Row, SEALED_COLUMNS, TASK_COLUMNS } from './codec.ts';

/** Select lists: the columns in the order of `decodeTask`, `decodeAttempt` and `decodeEvent`, then the checksums. */
export const TASK_ROWS = [...SEALED_COLUMNS, ...TASK_COLUMNS, 'sealed', 'checksum']
  .map((name) => `task.${name}`)
  .join(', ');
export const ATTEMPT_ROWS = [...ATTEMPT_COLUMNS, 'checksum'].join(', ');
export const EVENT_ROWS = [...EVENT_COLUMNS, 'checksum'].join(', ');
export const SPEC_ROWS = 'spec.image, spec.spec, spec.checksum';

/** Number of values in a task, in an attempt and in a spec; the checksums follow. */
export const TASK_VALUES = SEALED_COLUMNS.length + TASK_COLUMNS.length;
export const ATTEMPT_VALUES = ATTEMPT_COLUMNS.length;
export const SPEC_VALUES = 2;

/** What never changes of a task: `row` begins with SEALED_COLUMNS. */
export function sealedSum(row: Row): number {
  return checksum(row, 0, SEALED_COLUMNS.length);
}

/** What changes of the task with this sequence: TASK_COLUMNS from `from` on. */
export function changingSum(sequence: number, row: Row, from: number): number {
  return checksum(row, from, from + TASK_COLUMNS.length, sequence);
}

/** `row`: TASK_ROWS, and anything after them. */
export function isTaskSound(row: Row): boolean {
  return (
    row[TASK_VALUES] === sealedSum(row) &&
    row[TASK_VALUES + 1] === changingSum(row[0] as number, row, SEALED_COLUMNS.length)
  );
}

/** The checksum stands behind the values that it is over. */
export function isSound(row: Row, values = row.length - 1): boolean {
  return row[values] === checksum(row, 0, values);
}

/** Gives the row back, or throws that `what` is damaged. */
export function sound(path: string, what: string, row: Row, values = row.length - 1): Row {
  if (!isSound(row, values)) throw damaged(path, what);
  return row;
}

export function damaged(path: string, what: string): StoreError {
  return new StoreError(
    'store_corrupt',
    `${path}: ${what} is not as it was written: the file is damaged. Restore a backup (\`cloudai restore\`).`,
  );
}
