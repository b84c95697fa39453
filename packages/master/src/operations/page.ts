import type { Cursor, Page } from '@cloudai/store';
import { invalid } from './rejected.ts';

/** A page of the store. A cursor that the store did not make is the caller's mistake. */
export async function readPage<T>(
  cursor: Cursor | undefined,
  read: (cursor: Cursor | null) => Promise<Page<T>>,
): Promise<Page<T>> {
  try {
    return await read(cursor ?? null);
  } catch (error) {
    if (cursor !== undefined && error instanceof RangeError)
      throw invalid('cursor', 'is not one that a list has answered');
    throw error;
  }
}
