/** The policies in use, as the cluster's row names them. */
import { DEFAULT_SCHEDULING, POOL_LABEL, type Scheduling, scopeKey } from '../model/scheduling.ts';
import { external, FALLBACK } from '../policy/external.ts';
import type { OrderingPolicy } from '../policy/ordering.ts';
import { DEFAULT_ORDERING, orderingPolicy } from '../policy/ordering-registry.ts';
import type { PlacementPolicy } from '../policy/policy.ts';
import { placementPolicy } from '../policy/registry.ts';
import type { EngineState } from '../state.ts';

export function schedulingOf(state: EngineState): Scheduling {
  return state.cluster.scheduling ?? DEFAULT_SCHEDULING;
}

/** The order in use. */
export function orderingOf(state: EngineState): OrderingPolicy {
  const name = schedulingOf(state).ordering ?? policyOf(state).ordering ?? DEFAULT_ORDERING;
  const ordering = orderingPolicy(name);
  if (ordering === null) throw new Error(`order ${name} is not known`);
  return ordering;
}

export function policyOf(state: EngineState): PlacementPolicy {
  return policyNamed(state.cluster.placement);
}

function policyNamed(name: string): PlacementPolicy {
  const policy = placementPolicy(name);
  if (policy === null) throw new Error(`placement policy ${name} is not known`);
  return policy === external ? FALLBACK : policy;
}

/** That of the pool which the selector names, or else of the namespace; null: that of the cluster. */
export function scopedPolicy(
  state: EngineState,
  namespace: string,
  selector: Readonly<Record<string, string>>,
): PlacementPolicy | null {
  const { scopes } = schedulingOf(state);
  const pool = Object.hasOwn(selector, POOL_LABEL) ? scopes[scopeKey('pool', selector[POOL_LABEL]!)] : undefined;
  const name = pool ?? scopes[scopeKey('namespace', namespace)];
  return name === undefined ? null : policyNamed(name);
}
