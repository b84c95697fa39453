import type { SchedulerChoice, SchedulerView } from '@cloudai/api/rest';
import {
  orderingPolicies,
  type PolicyCard,
  placementPolicies,
  type ScopeKind,
  type UseScheduler,
} from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { type Call, namespacesOf, type Operations, submit } from './call.ts';
import { invalid } from './rejected.ts';
import { readDuration } from './submission.ts';

export function schedulerOperations(context: MasterContext): Pick<Operations, 'getScheduler' | 'useScheduler'> {
  return {
    getScheduler(call) {
      return viewOf(context, call);
    },

    async useScheduler(call, { body }) {
      const settings = settingsOf(body);
      if (body.scope !== undefined && Object.keys(settings).length > 0)
        throw invalid('scope', `only the placement policy can be chosen for a ${body.scope.kind} of its own`);
      const command: UseScheduler = {
        kind: 'useScheduler',
        by: call.subject.user,
        settings,
        ...(body.placement === undefined ? {} : { placement: body.placement }),
        ...(body.scope === undefined ? {} : { scope: body.scope }),
      };
      await submit(context, command, 'done');
      return viewOf(context, call);
    },
  };
}

function settingsOf(body: SchedulerChoice): NonNullable<UseScheduler['settings']> {
  const { ordering, backfill, preemption, risk, starvation, ageing } = body;
  const ageingMs = ageing == null ? ageing : readDuration(ageing, 'ageing');
  return {
    ...(ordering === undefined ? {} : { ordering }),
    ...(backfill === undefined ? {} : { backfill }),
    ...(preemption === undefined ? {} : { preemption }),
    ...(starvation === undefined
      ? {}
      : { starvationMs: starvation === null ? null : readDuration(starvation, 'starvation') }),
    ...(ageingMs === undefined ? {} : { ageingSeconds: ageingMs === null ? null : Math.ceil(ageingMs / 1000) }),
    ...(risk === undefined ? {} : { risk: risk === null ? null : { ...risk, theta: fourOf(risk.theta) } }),
  };
}

function fourOf(theta: readonly number[]): readonly [number, number, number, number] {
  return [theta[0]!, theta[1]!, theta[2]!, theta[3]!];
}

function viewOf(context: MasterContext, call: Call): SchedulerView {
  const { engine } = context.loop;
  const { ordering, backfill, starvationMs, ageingSeconds, preemption, scopes } = engine.scheduling();
  return {
    placement: engine.cluster().placement,
    ordering,
    backfill,
    starvationMs,
    ageingSeconds,
    preemption,
    scopes: scopesOf(scopes, namespacesOf(call, undefined)),
    available: placementPolicies().map(cardOf),
    orderings: orderingPolicies().map(cardOf),
    fragmentation: engine.fragmentation(),
  };
}

/** Of namespaces that the caller may see, and of all pools. */
function scopesOf(
  scopes: Readonly<Record<string, string>>,
  visible: readonly string[] | 'all',
): SchedulerView['scopes'] {
  return Object.entries(scopes).flatMap(([key, placement]) => {
    const at = key.indexOf('/');
    const kind: ScopeKind = key.slice(0, at) === 'pool' ? 'pool' : 'namespace';
    const name = key.slice(at + 1);
    return kind === 'pool' || visible === 'all' || visible.includes(name) ? [{ kind, name, placement }] : [];
  });
}

function cardOf({ name, version, summary, source }: PolicyCard) {
  return { name, version, summary, source };
}
