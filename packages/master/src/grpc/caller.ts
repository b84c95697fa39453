/** Who calls, and under which id the call is found in the log. Checked before anything of the request is read. */
import { type ContextValues, createContextKey, createContextValues, type HandlerContext } from '@connectrpc/connect';
import type { Subject } from '../authorize.ts';
import type { MasterContext } from '../context.ts';
import { Rejected } from '../operations/index.ts';
import { authenticate } from '../rest/authenticate.ts';
import type { FailedLogins } from '../rest/failed-logins.ts';
import { subjectOf } from '../subject.ts';

export interface Caller {
  readonly subject: Subject;
  readonly tokenHash: string;
  readonly requestId: string;
}

const CALLER = createContextKey<Caller | null>(null);
const ADDRESS = createContextKey<string | null>(null);

/** What a call is told of the connection that it comes by. */
export function connectionValues(remoteAddress: string | undefined): ContextValues {
  return createContextValues().set(ADDRESS, remoteAddress ?? null);
}

export function requestIdOf(context: MasterContext, { requestHeader, responseHeader }: HandlerContext): string {
  const known = responseHeader.get('x-request-id');
  if (known !== null) return known;
  const given = requestHeader.get('x-request-id') ?? '';
  const requestId = /^[\w.-]{1,64}$/.test(given) ? given : context.newId();
  responseHeader.set('x-request-id', requestId);
  return requestId;
}

export function admitCaller(context: MasterContext, call: HandlerContext, failedLogins: FailedLogins): void {
  const requestId = requestIdOf(context, call);
  const authorization = call.requestHeader.get('authorization') ?? undefined;
  const headers = authorization === undefined ? {} : { authorization };
  const { subject, tokenHash } = failedLogins.admit(call.values.get(ADDRESS) ?? undefined, headers, () =>
    authenticate(context, { method: 'POST', headers }),
  );
  call.values.set(CALLER, { subject, tokenHash, requestId });
}

export function callerOf(call: HandlerContext): Caller {
  const caller = call.values.get(CALLER);
  if (caller === null) throw new Error(`${call.method.name} is served without asking who calls`);
  return caller;
}

/** The same caller with the rights of now, for calls that take long. */
export function renewCaller(context: MasterContext, caller: Caller): Caller {
  const subject = subjectOf(context, caller.tokenHash);
  if (subject === null) throw new Rejected('unauthenticated', 'The token is unknown, expired or revoked');
  return { ...caller, subject };
}
