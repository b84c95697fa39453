/**
 * Sessions of browsers. A session is a stored token of the same user with a life of its own, so it survives a restart of
 * the master, is listed and revoked like any token, and ends with the token that it was opened with.
 */
import type { SessionRequest, SessionView } from '@cloudai/api/rest';
import type { ApiToken } from '@cloudai/engine';
import type { Subject } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import { isSession, rootOf, subjectOf, subjectOfToken } from '../subject.ts';
import { time, timeOrNull } from '../views.ts';
import { type Operations, submit } from './call.ts';
import type { LoginCodes } from './login-codes.ts';
import { Rejected } from './rejected.ts';

type SessionOperations = Pick<Operations, 'createSession' | 'getSession' | 'endSession' | 'createLoginCode'>;

const SESSION_TTL_MS = 12 * 3_600_000;
/** Sessions of one token at a time; one more ends the oldest. */
const MAX_SESSIONS = 20;
/** Each is a row that stays, so a script that logs in all the time is told to keep its session. */
const MAX_LOGINS_A_MINUTE = 60;
const MINUTE_MS = 60_000;

export function sessionOperations(context: MasterContext, logins: LoginCodes): SessionOperations {
  return {
    async createSession({ subject }) {
      const root = findToken(context, rootOf(subject.tokenId));
      const now = context.now();
      const all = sessionsOf(context, root.id);
      const recent = all.filter(({ createdAt }) => createdAt > now - MINUTE_MS);
      if (recent.length >= MAX_LOGINS_A_MINUTE)
        throw new Rejected('rate_limited', `${recent.length} sessions of this token began within a minute`, undefined, {
          retryAfterSeconds: Math.ceil((recent[0]!.createdAt + MINUTE_MS - now) / 1000),
        });
      const open = all.filter(({ revoked, expiresAt }) => !revoked && expiresAt! > now);
      for (const { id } of open.slice(0, Math.max(0, open.length + 1 - MAX_SESSIONS)))
        await submit(context, { kind: 'revokeToken', id, by: subject.user }, 'done');
      const { id, token, hash } = context.identity.makeApiToken(root.id);
      const expiresAt = Math.min(now + SESSION_TTL_MS, root.expiresAt ?? Number.POSITIVE_INFINITY);
      await submit(context, { kind: 'putToken', id, user: subject.user, hash, expiresAt, by: subject.user }, 'done');
      return { session: viewOf(subject, id, expiresAt), token, expiresAt };
    },

    getSession({ subject }) {
      return viewOf(subject, subject.tokenId, findToken(context, subject.tokenId).expiresAt);
    },

    /** A token that is no session stays: scripts use it. */
    async endSession({ subject }) {
      if (isSession(subject.tokenId))
        await submit(context, { kind: 'revokeToken', id: subject.tokenId, by: subject.user }, 'done');
      return undefined;
    },

    createLoginCode({ subject }) {
      const { code, expiresAt } = logins.issue(rootOf(subject.tokenId));
      return { code, expiresAt: time(expiresAt) };
    },
  };
}

/** Who logs in; one answer for everything that is not valid. */
export function subjectOfLogin(context: MasterContext, logins: LoginCodes, request: SessionRequest): Subject {
  if (request.token !== undefined) {
    const subject = subjectOf(context, context.identity.hashApiToken(request.token));
    if (subject === null) throw new Rejected('unauthenticated', 'The token is unknown, expired or revoked');
    return subject;
  }
  const token = context.loop.engine.token(logins.redeem(request.code!) ?? '');
  const subject = token === null ? null : subjectOfToken(context, token);
  if (subject === null)
    throw new Rejected(
      'unauthenticated',
      'The login code is unknown, used or expired; `cloudai dashboard` makes a new one',
    );
  return subject;
}

/** Oldest first, those that have ended too. */
function sessionsOf(context: MasterContext, root: string): ApiToken[] {
  return context.loop.engine
    .tokens()
    .filter(({ id }) => isSession(id) && rootOf(id) === root)
    .sort((a, b) => a.createdAt - b.createdAt);
}

function findToken(context: MasterContext, id: string): ApiToken {
  const token = context.loop.engine.token(id);
  if (token === null) throw new Error(`token ${id} is not there although it was shown`);
  return token;
}

function viewOf({ user, role, namespaces }: Subject, token: string, expiresAt: number | null): SessionView {
  return { user, role, namespaces: [...namespaces], token, expiresAt: timeOrNull(expiresAt) };
}
