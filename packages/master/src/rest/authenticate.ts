/** Who calls: a bearer token in the header, or the session of a browser in a cookie. */
import type { FastifyRequest } from 'fastify';
import type { Subject } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import { Rejected } from '../operations/index.ts';
import { subjectOf } from '../subject.ts';
import { SESSION_COOKIE, sessionOf } from './cookies.ts';

/** Tokens are shorter; what is longer is not hashed. */
const MAX_TOKEN_LENGTH = 512;

export interface Caller {
  readonly subject: Subject;
  /** Of the token, to ask again later whether it is still good. */
  readonly tokenHash: string;
  readonly isByCookie: boolean;
}

/**
 * The token is looked up by its hash, so that the time of the look-up says nothing about the token; what it may do is
 * read anew each time, so that a revocation holds at once.
 */
export function authenticate(
  context: MasterContext,
  { method, headers }: Pick<FastifyRequest, 'method' | 'headers'>,
): Caller {
  const { authorization } = headers;
  const session = authorization === undefined ? sessionOf(headers.cookie) : null;
  if (authorization === undefined && session === null)
    throw unauthenticated('This needs a token: send Authorization: Bearer <token>');
  const token = session ?? tokenOf(authorization);
  if (token === null) throw unauthenticated('The Authorization header is not of the form: Bearer <token>');
  const tokenHash = context.identity.hashApiToken(token.slice(0, MAX_TOKEN_LENGTH));
  const subject = subjectOf(context, tokenHash);
  // One answer for unknown, expired and revoked: whoever guesses learns nothing.
  if (subject === null)
    throw unauthenticated(`The ${session === null ? 'token' : 'session'} is unknown, expired or revoked`);
  if (session !== null) checkIntent(method, headers);
  return { subject, tokenHash, isByCookie: session !== null };
}

/** Whether there is anything that could be a guess. */
export function showsToken({ authorization, cookie }: FastifyRequest['headers']): boolean {
  return authorization !== undefined || sessionOf(cookie) !== null;
}

/** Browsers add cookies by themselves, so a request with one has to show that a page of ours meant it. */
function checkIntent(method: string, headers: FastifyRequest['headers']): void {
  const isUpgrade = headers.upgrade !== undefined;
  if ((method === 'GET' || method === 'HEAD') && !isUpgrade) return;
  if (isUpgrade && headers.origin === undefined)
    throw new Rejected('forbidden', 'An upgrade with the session cookie needs an Origin');
  checkOrigin(headers);
  if (!isUpgrade && headers['x-cloudai-csrf'] !== '1')
    throw new Rejected('forbidden', `A change with the cookie ${SESSION_COOKIE} needs the header X-Cloudai-Csrf: 1`);
}

/** A page that says where it comes from has to come from here. */
export function checkOrigin({ origin, host }: FastifyRequest['headers']): void {
  if (origin === undefined) return;
  const from = URL.canParse(origin) ? new URL(origin).host : null;
  if (from === null || from === '' || from !== hostOf(host))
    throw new Rejected('forbidden', 'The request comes from a page of another origin');
}

/** As `URL` writes it, without a port that the scheme implies. */
function hostOf(header: string | undefined): string | null {
  const host = header?.toLowerCase() ?? '';
  return host === '' ? null : host.replace(/:(80|443)$/, '');
}

function tokenOf(header: string | undefined): string | null {
  const [, token] = /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '') ?? [];
  return token === undefined || token.length > MAX_TOKEN_LENGTH ? null : token;
}

function unauthenticated(message: string): Rejected {
  return new Rejected('unauthenticated', message);
}
