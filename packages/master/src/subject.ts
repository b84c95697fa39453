/** Whose a token is, and what it may do now. Read anew for every call, so that a revocation holds at once. */
import { timingSafeEqual } from 'node:crypto';
import type { ApiToken } from '@cloudai/engine';
import type { Subject } from './authorize.ts';
import type { MasterContext } from './context.ts';

/** The subject behind a token's hash, or null when it has no rights (any more). */
export function subjectOf(context: MasterContext, hash: string): Subject | null {
  const token = context.loop.engine.tokenByHash(hash);
  return token !== null && sameText(token.hash, hash) ? subjectOfToken(context, token) : null;
}

export function subjectOfToken(context: MasterContext, token: ApiToken): Subject | null {
  const { engine } = context.loop;
  const root = engine.token(rootOf(token.id));
  // A session ends with the token that it was opened with.
  if (root === null || !isValid(root, context.now()) || !isValid(token, context.now())) return null;
  const user = engine.user(token.user);
  if (user === null || user.disabled) return null;
  return { user: user.name, role: user.role, namespaces: user.namespaces, tokenId: token.id };
}

/** The id of the token that a session was opened with; of any other token its own. */
export function rootOf(tokenId: string): string {
  return tokenId.split('.', 1)[0]!;
}

export function isSession(tokenId: string): boolean {
  return tokenId.includes('.');
}

function isValid(token: ApiToken, now: number): boolean {
  return !token.revoked && (token.expiresAt === null || token.expiresAt > now);
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
