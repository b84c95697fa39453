import { createHash } from 'node:crypto';
import type { Cursor } from '../store.ts';

/** Longer ones are not ours. */
const MOST_CHARACTERS = 200;

/**
 * A position in a listing: the sort key of the last item. It carries a digest over listing, filter and key, so that
 * one that was edited, or is used with another filter, is refused instead of giving a page that makes no sense. It
 * is no secret and opens nothing: the namespaces are in every query.
 */
export function encodeCursor(listing: string, key: readonly number[]): Cursor {
  return Buffer.from(JSON.stringify([...key, digest(listing, key)])).toString('base64url');
}

export function decodeCursor(listing: string, cursor: Cursor): readonly number[] {
  const parts = parse(cursor);
  const key: number[] = [];
  for (const part of parts.slice(0, -1)) if (typeof part === 'number' && Number.isSafeInteger(part)) key.push(part);
  // The very text that was handed out: base64 has other spellings of the same bytes.
  if (key.length === 0 || encodeCursor(listing, key) !== cursor) {
    throw new RangeError(
      'the cursor does not belong to this listing: give the one that its last page returned, with the same filter and order',
    );
  }
  return key;
}

function parse(cursor: Cursor): unknown[] {
  if (cursor.length > MOST_CHARACTERS || !/^[\w-]+$/.test(cursor)) return [];
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function digest(listing: string, key: readonly number[]): string {
  return createHash('sha256')
    .update(JSON.stringify([listing, key]))
    .digest('base64url')
    .slice(0, 12);
}
