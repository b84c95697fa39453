import { type Resources, subtract, ZERO } from './resources.ts';

/** Exists from the first start. */
export const DEFAULT_NAMESPACE = 'default';

/** The unit of tenancy: owns tasks and quotas. `default` exists from the first start. */
export interface Namespace {
  readonly name: string;
  /** Upper bound on what its live attempts hold together; null: no bound. */
  readonly quota: Resources | null;
  readonly createdAt: number;
}

/** What a namespace may hold and what its live attempts hold now. */
export interface QuotaState {
  readonly limit: Resources;
  readonly used: Resources;
}

/** What is left of a quota for this request. A custom resource that the quota does not name is not bounded. */
export function quotaLeft({ limit, used }: QuotaState, request: Resources): Resources {
  const left = subtract(limit, used);
  const free = Object.keys(request.custom).filter((name) => !Object.hasOwn(limit.custom, name));
  if (free.length === 0) return left;
  const unbounded = Object.fromEntries(free.map((name) => [name, Number.MAX_SAFE_INTEGER]));
  return { ...left, custom: { ...left.custom, ...unbounded } };
}

/** The same for a namespace that holds nothing: whether waiting can help. */
export function quotaWhole(quota: QuotaState, request: Resources): Resources {
  return quotaLeft({ limit: quota.limit, used: ZERO }, request);
}

export type Role = 'admin' | 'user';

/** Somebody who owns tasks. Users see the namespaces they are members of; admins see all. */
export interface User {
  readonly name: string;
  readonly role: Role;
  readonly namespaces: readonly string[];
  readonly createdAt: number;
  readonly disabled: boolean;
  /** What its tasks had used at this time, for `fair-share`; see `stages/usage.ts`. */
  readonly usage?: { readonly amount: number; readonly at: number };
}

/** A bearer token. Only its SHA-256 is kept. */
export interface ApiToken {
  readonly id: string;
  readonly user: string;
  readonly hash: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revoked: boolean;
}

/** What an Idempotency-Key answered, kept for a day. */
export interface IdempotencyRecord {
  readonly namespace: string;
  readonly key: string;
  /** SHA-256 of the request body; another body under the same key is a conflict. */
  readonly bodyHash: string;
  readonly taskIds: readonly string[];
  readonly jobId: string | null;
  readonly expiresAt: number;
}

/** Tasks submitted together. */
export interface Job {
  readonly id: string;
  readonly namespace: string;
  readonly owner: string;
  readonly name: string | null;
  readonly size: number;
  readonly submittedAt: number;
}
