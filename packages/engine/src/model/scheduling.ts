/** How the cluster schedules beside its placement policy, as `useScheduler` sets it. */
import { type Backfill, DEFAULT_BACKFILL } from '../policy/ordering-registry.ts';
import type { RiskParameters } from '../policy/rts-parameters.ts';

export interface Scheduling {
  /** Order of the queue; null: the one that belongs to the placement policy. */
  readonly ordering: string | null;
  readonly backfill: Backfill;
  /** How long a task waits before it goes ahead of all others and a worker is kept for it, ms; null: never. */
  readonly starvationMs: number | null;
  /** Under `ageing-priority`: seconds of waiting for one step of priority; null: the order's own. */
  readonly ageingSeconds: number | null;
  /** Tasks of higher priority may stop others to make room. */
  readonly preemption: boolean;
  /** Placement policies of single namespaces and pools: `namespace/NAME` or `pool/NAME` and the policy. */
  readonly scopes: Readonly<Record<string, string>>;
  /** Of the policy `rts`; null: its defaults. */
  readonly risk: RiskParameters | null;
}

export const DEFAULT_SCHEDULING: Scheduling = {
  ordering: null,
  backfill: DEFAULT_BACKFILL,
  starvationMs: 86_400_000,
  ageingSeconds: null,
  preemption: false,
  scopes: {},
  risk: null,
};

/** Scopes with a policy of their own; each is looked up for every class of waiting tasks. */
export const MAX_SCOPES = 1_000;

/** The label that makes workers a pool; a task is of the pool that its selector names. */
export const POOL_LABEL = 'pool';

export type ScopeKind = 'namespace' | 'pool';

export function scopeKey(kind: ScopeKind, name: string): string {
  return `${kind}/${name}`;
}
