/** Which policies decide, as admins choose them while tasks run. */
import { type Reply, reject, type UseScheduler } from '../command.ts';
import { MAX_SCOPES, type Scheduling, scopeKey } from '../model/scheduling.ts';
import { integerProblem } from '../model/spec.ts';
import { BACKFILLS, isBackfill, orderingPolicies, orderingPolicy } from '../policy/ordering-registry.ts';
import { placementPolicies, placementPolicy } from '../policy/registry.ts';
import { riskProblem } from '../policy/rts-parameters.ts';
import type { Step } from '../step.ts';
import { schedulingOf } from './active-policies.ts';

const DONE: Reply = { ok: true, kind: 'done' };

export function useScheduler(step: Step, command: UseScheduler): Reply {
  const { placement, scope = null, settings = {}, by } = command;
  if (placement != null && placementPolicy(placement) === null) {
    const known = placementPolicies().map((policy) => policy.name);
    return reject('scheduler_unknown', `There is no placement policy ${placement}; there are ${known.join(', ')}.`);
  }
  if (placement === null && scope === null)
    return reject('invalid_argument', 'The cluster needs a placement policy; only a namespace or pool can do without.');
  if (settings.ordering != null && orderingPolicy(settings.ordering) === null) {
    const known = orderingPolicies().map((order) => order.name);
    return reject('scheduler_unknown', `There is no order ${settings.ordering}; there are ${known.join(', ')}.`);
  }
  const problem = settingsProblem(settings);
  if (problem !== null) return reject('invalid_argument', problem);
  if (scope?.kind === 'namespace' && !step.state.namespaces.has(scope.name))
    return reject('namespace_unknown', `Namespace ${scope.name} does not exist.`);

  const before = schedulingOf(step.state);
  const scopes = scope === null || placement === undefined ? before.scopes : scopesWith(before, scope, placement);
  if (Object.keys(scopes).length > MAX_SCOPES)
    return reject('invalid_argument', `At most ${MAX_SCOPES} namespaces and pools can have a policy of their own.`);
  const after: Scheduling = { ...before, ...settings, scopes };
  const cluster = scope === null && placement != null ? placement : step.state.cluster.placement;
  const says = changesOf(step, { before, after, placement: cluster });
  if (says.length === 0) return DONE;
  step.setCluster({ placement: cluster, ...(isSame(before, after) ? {} : { scheduling: after }) });
  step.event('scheduler_used', { by, message: says.join(', ') });
  step.state.passWanted = true;
  return DONE;
}

/** The longest time that makes sense for an age limit or a step of ageing, ms: a year. */
const LONGEST_MS = 365 * 86_400_000;

function settingsProblem(settings: Partial<Scheduling>): string | null {
  const { backfill, starvationMs, ageingSeconds, risk } = settings;
  if (backfill !== undefined && !isBackfill(backfill))
    return `There is no backfilling ${JSON.stringify(backfill)}; there are ${BACKFILLS.join(', ')}.`;
  return (
    (starvationMs == null ? null : integerProblem('starvationMs', starvationMs, 1, LONGEST_MS)) ??
    (ageingSeconds == null ? null : integerProblem('ageingSeconds', ageingSeconds, 1, LONGEST_MS / 1000)) ??
    (risk == null ? null : riskProblem(risk))
  );
}

function scopesWith(
  { scopes }: Scheduling,
  { kind, name }: NonNullable<UseScheduler['scope']>,
  placement: string | null,
): Scheduling['scopes'] {
  const kept = Object.entries(scopes).filter(([key]) => key !== scopeKey(kind, name));
  const all = placement === null ? kept : [...kept, [scopeKey(kind, name), placement] as const];
  return Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What is different, in words for the timeline; the name of the policy alone where that is all. */
function changesOf(
  step: Step,
  { before, after, placement }: { before: Scheduling; after: Scheduling; placement: string },
): string[] {
  const says: string[] = [];
  if (placement !== step.state.cluster.placement) says.push(placement);
  for (const name of ['ordering', 'backfill', 'starvationMs', 'ageingSeconds', 'preemption'] as const)
    if (before[name] !== after[name]) says.push(`${name} ${after[name] ?? 'none'}`);
  for (const key of new Set([...Object.keys(before.scopes), ...Object.keys(after.scopes)]))
    if (before.scopes[key] !== after.scopes[key]) says.push(`${key} ${after.scopes[key] ?? 'as the cluster'}`);
  if (JSON.stringify(before.risk) !== JSON.stringify(after.risk)) says.push('parameters of rts');
  return says;
}

function isSame(before: Scheduling, after: Scheduling): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}
