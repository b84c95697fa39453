import { timingSafeEqual } from 'node:crypto';
import type { Subject } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import { Rejected } from '../operations/index.ts';

/** Tokens are shorter; what is longer is not hashed. */
const MAX_TOKEN_LENGTH = 512;

/**
 * Who calls, from the `Authorization` header. The token is looked up by its hash, so that the time of the look-up says
 * nothing about the token; what it may do is read anew each time, so that a revocation holds at once.
 */
export function authenticate(context: MasterContext, header: string | undefined): Subject {
  if (header === undefined) throw unauthenticated('This needs a token: send Authorization: Bearer <token>');
  const token = tokenOf(header);
  if (token === null) throw unauthenticated('The Authorization header is not of the form: Bearer <token>');
  const subject = subjectOf(context, context.identity.hashApiToken(token));
  // One answer for unknown, expired and revoked: whoever guesses learns nothing.
  if (subject === null) throw unauthenticated('The token is unknown, expired or revoked');
  return subject;
}

export function tokenOf(header: string | undefined): string | null {
  const [, token] = /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '') ?? [];
  return token === undefined || token.length > MAX_TOKEN_LENGTH ? null : token;
}

/** The subject behind a token's hash, or null when it has no rights (any more). */
export function subjectOf(context: MasterContext, hash: string): Subject | null {
  const { engine } = context.loop;
  const token = engine.tokenByHash(hash);
  if (token === null || !sameText(token.hash, hash)) return null;
  if (token.revoked || (token.expiresAt !== null && token.expiresAt <= context.now())) return null;
  const user = engine.user(token.user);
  if (user === null || user.disabled) return null;
  return { user: user.name, role: user.role, namespaces: user.namespaces, tokenId: token.id };
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function unauthenticated(message: string): Rejected {
  return new Rejected('unauthenticated', message);
}
