/** Conditional requests: what a client has already is not sent again, and a change is made only to what was read. */
import { hash } from 'node:crypto';
import { Rejected } from '../operations/index.ts';

/** Larger answers are lists that change all the time. */
const MAX_TAGGED_LENGTH = 256 * 1024;

/** Of an answer's text; with the version of the object in front where it has one. null: not worth it. */
export function entityTag(text: string, version: number | null): string | null {
  if (text.length > MAX_TAGGED_LENGTH) return null;
  const digest = hash('sha256', text, 'base64url').slice(0, 16);
  return version === null ? `"${digest}"` : `"${version}.${digest}"`;
}

/** Whether `If-None-Match` names this answer. */
export function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag);
}

/** The version that `If-Match` asks for: an ETag of the object as it was answered, or the number alone. null: any. */
export function askedVersion(header: string | undefined): number | null {
  if (header === undefined || header.trim() === '*') return null;
  const [, version] = /^"?(\d{1,15})(?:\.[\w-]{1,64})?"?$/.exec(header.trim()) ?? [];
  if (version === undefined)
    throw new Rejected('invalid_argument', 'If-Match: give the ETag of a task as it was answered, or its version', {
      field: 'If-Match',
    });
  return Number(version);
}
