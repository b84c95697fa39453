import type { NamespaceChange } from '@cloudai/api/rest';
import { parseCpu, parseGpu, parseMemory, parseStorage, type Resources } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { namespaceView, time, tokenView, UNBOUNDED, userView } from '../views.ts';
import { mayReach, type Operations, submit } from './call.ts';
import { Rejected } from './rejected.ts';
import { readCustom, readDuration, value } from './submission.ts';

type TenancyOperations = Pick<
  Operations,
  'listNamespaces' | 'putNamespace' | 'listUsers' | 'putUser' | 'listTokens' | 'issueToken' | 'revokeToken'
>;

const DAY_MS = 86_400_000;
const TOKEN_TTL_MS = 90 * DAY_MS;
const TOKEN_MAX_TTL_MS = 366 * DAY_MS;
export function tenancyOperations(context: MasterContext): TenancyOperations {
  return {
    listNamespaces(call) {
      const visible = context.loop.engine.namespaces().filter(({ name }) => mayReach(call, name));
      return { items: visible.map(namespaceView), next: null };
    },

    async putNamespace(call, { namespace: name, body }) {
      const existing = context.loop.engine.namespace(name);
      const quota = body.quota === undefined ? (existing?.quota ?? null) : readQuota(body.quota);
      await submit(context, { kind: 'putNamespace', name, quota, by: call.subject.user }, 'done');
      return namespaceView(found(context.loop.engine.namespace(name), name));
    },

    listUsers() {
      return { items: context.loop.engine.users().map(userView), next: null };
    },

    /** What the body leaves out stays as it is; a new user has the role `user` in the namespace `default`. */
    async putUser(call, { user: name, body }) {
      const existing = context.loop.engine.user(name);
      await submit(
        context,
        {
          kind: 'putUser',
          name,
          role: body.role ?? existing?.role ?? 'user',
          namespaces: body.namespaces ?? existing?.namespaces ?? ['default'],
          disabled: body.disabled ?? existing?.disabled ?? false,
          by: call.subject.user,
        },
        'done',
      );
      return userView(found(context.loop.engine.user(name), name));
    },

    listTokens(_call, { user }) {
      findUser(context, user);
      const tokens = context.loop.engine.tokens().filter((token) => token.user === user);
      return { items: tokens.map(tokenView), next: null };
    },

    async issueToken(call, { user, body = {} }) {
      findUser(context, user);
      const ttl = readDuration(body.ttl, 'ttl', { most: TOKEN_MAX_TTL_MS }) ?? TOKEN_TTL_MS;
      const { id, token, hash } = context.identity.makeApiToken();
      const expiresAt = context.now() + ttl;
      await submit(context, { kind: 'putToken', id, user, hash, expiresAt, by: call.subject.user }, 'done');
      return { id, token, expiresAt: time(expiresAt) };
    },

    async revokeToken(call, { token }) {
      await submit(context, { kind: 'revokeToken', id: token, by: call.subject.user }, 'done');
      return undefined;
    },
  };
}

function findUser(context: MasterContext, name: string): void {
  if (context.loop.engine.user(name) === null)
    throw new Rejected('user_unknown', `No user has the name ${name}; list users to see who there is`);
}

function found<T>(row: T | null, name: string): T {
  if (row === null) throw new Error(`${name} is not there after it was stored`);
  return row;
}

/** Resources that the quota does not name are not bounded. */
function readQuota(quota: NamespaceChange['quota']): Resources | null {
  if (quota === null || quota === undefined) return null;
  const { cpu, memory, storage, gpu, custom } = quota;
  const zero = { zero: true };
  return {
    cpuMillis: cpu === undefined ? UNBOUNDED : value(parseCpu(cpu, zero), 'quota.cpu'),
    memoryBytes: memory === undefined ? UNBOUNDED : value(parseMemory(memory, zero), 'quota.memory'),
    storageBytes: storage === undefined ? UNBOUNDED : value(parseStorage(storage), 'quota.storage'),
    gpuMillis: gpu === undefined ? UNBOUNDED : value(parseGpu(gpu), 'quota.gpu'),
    custom: custom === undefined ? {} : readCustom(custom, 'quota.custom'),
  };
}
