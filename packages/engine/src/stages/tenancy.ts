/** Namespaces, users and tokens: the rows that the master checks callers against. */
import { type Command, type Reply, reject } from '../command.ts';
import { amountsProblem } from '../model/spec.ts';
import type { Step } from '../step.ts';

type CommandOf<K extends Command['kind']> = Extract<Command, { kind: K }>;

const DONE: Reply = { ok: true, kind: 'done' };
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** Users may be e-mail addresses or names from an identity provider. */
const USER_NAME = /^[^\s\p{Cc}]{1,254}$/u;

export function putNamespace(step: Step, { name, quota, by }: CommandOf<'putNamespace'>): Reply {
  if (!NAME.test(name))
    return reject(
      'invalid_argument',
      `Namespace ${JSON.stringify(name)} is not allowed: 1 to 63 of a-z, 0-9 and "-", "-" not at the ends.`,
    );
  const problem = quota === null ? null : amountsProblem(quota);
  if (problem !== null) return reject('invalid_argument', `Quota: ${problem}`);
  const createdAt = step.state.namespaces.get(name)?.createdAt ?? step.now;
  const row = { name, quota, createdAt };
  step.state.namespaces.set(name, row);
  step.keep({ kind: 'namespace', row });
  step.event('namespace_put', { namespace: name, by });
  step.state.passWanted = true;
  return DONE;
}

export function putUser(step: Step, command: CommandOf<'putUser'>): Reply {
  const { name, role, namespaces, disabled, by } = command;
  if (!USER_NAME.test(name)) return reject('invalid_argument', `User name ${JSON.stringify(name)} is not allowed.`);
  const missing = namespaces.find((namespace) => !step.state.namespaces.has(namespace));
  if (missing !== undefined) return reject('namespace_unknown', `Namespace ${missing} does not exist.`);
  const known = step.state.users.get(name);
  const usage = known?.usage === undefined ? {} : { usage: known.usage };
  const row = { name, role, namespaces, createdAt: known?.createdAt ?? step.now, disabled, ...usage };
  step.state.users.set(name, row);
  step.keep({ kind: 'user', row });
  step.event('user_put', { by, message: `${name}: ${role}${disabled ? ', disabled' : ''}` });
  return DONE;
}

export function putToken(step: Step, command: CommandOf<'putToken'>): Reply {
  const { id, user, hash, expiresAt, by } = command;
  if (!step.state.users.has(user)) return reject('user_unknown', `User ${user} does not exist.`);
  const holder = step.state.tokensByHash.get(hash);
  if (holder !== undefined && holder.id !== id) return reject('invalid_argument', 'Another token has this secret.');
  const known = step.state.tokens.get(id);
  if (known !== undefined && (known.user !== user || known.hash !== hash || known.revoked))
    return reject('invalid_argument', `Token ${id} exists${known.revoked ? ' and was revoked' : ''}.`);
  const row = { id, user, hash, createdAt: known?.createdAt ?? step.now, expiresAt, revoked: false };
  step.state.putToken(row);
  step.keep({ kind: 'token', row });
  step.event('token_put', { by, message: `${id} of ${user}` });
  return DONE;
}

export function revokeToken(step: Step, { id, by }: CommandOf<'revokeToken'>): Reply {
  const token = step.state.tokens.get(id);
  if (token === undefined) return reject('token_unknown', `Token ${id} does not exist.`);
  if (token.revoked) return DONE;
  const row = { ...token, revoked: true };
  step.state.putToken(row);
  step.keep({ kind: 'token', row });
  step.event('token_revoked', { by, message: `${id} of ${token.user}` });
  return DONE;
}
