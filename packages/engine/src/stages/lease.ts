/**
 * Who decides under the policy `external`. An agent that fetches the state of the cluster gets a lease: until it ends no
 * schedule pass runs, and only this agent's plans are taken. A lease that ends with tasks waiting is followed by a pass
 * of the fallback at once, so no task waits for an agent longer than two budgets.
 *
 * none     nobody has fetched yet, or another policy is in use; the fallback decides
 * idle     nothing waited at the last fetch, or it was answered; each fetch and each answer begins the budget anew
 * asked    the agent was shown waiting tasks. Only its answer begins the budget anew: one that fetches and never answers
 *          holds nothing up
 * ended    the budget has passed; kept to say why the fallback decides. The next fetch, of any agent, begins a new one
 */
import { type Command, type Rejection, type Reply, reject } from '../command.ts';
import { external } from '../policy/external.ts';
import type { EngineState } from '../state.ts';
import type { Step } from '../step.ts';

export interface SchedulerLease {
  readonly agent: string;
  /** Sequence of the newest event when it was granted: a plan made from an older state is refused. */
  readonly since: number;
  readonly until: number;
  readonly asked: boolean;
}

/** A plan's claim to have been made by the holder of the lease, from the state as of this event. */
export interface LeaseClaim {
  readonly agent: string;
  readonly sequence: number;
}

/** The caller has run the pass that is due, so that a new lease can not put it off. */
export function leaseScheduler(step: Step, { agent }: Extract<Command, { kind: 'leaseScheduler' }>): Reply {
  const { state, now } = step;
  if (state.cluster.placement !== external.name) return { ok: true, kind: 'leased', agent: null, until: null };
  const lease = state.lease;
  if (lease === null || lease.until <= now)
    state.lease = {
      agent,
      since: state.cluster.eventSequence,
      until: now + state.config.externalBudgetMs,
      asked: state.queue.size > 0,
    };
  else if (lease.agent === agent && !lease.asked)
    state.lease = { ...lease, until: now + state.config.externalBudgetMs, asked: state.queue.size > 0 };
  const { agent: holder, until } = state.lease!;
  return { ok: true, kind: 'leased', agent: holder, until };
}

/** Takes a plan as the answer of the lease's holder, or says why it is not. */
export function answerLease(step: Step, { agent, sequence }: LeaseClaim): Rejection | null {
  const { state, now } = step;
  const lease = state.lease;
  if (state.cluster.placement !== external.name)
    return reject('fenced', `The placement policy is ${state.cluster.placement}, not ${external.name}.`);
  if (lease === null) return reject('fenced', 'No lease is held: fetch the state first.');
  if (lease.until <= now)
    return reject('fenced', `The lease of ${lease.agent} ended ${now - lease.until} ms ago: fetch the state again.`);
  if (lease.agent !== agent) return reject('fenced', `${lease.agent} holds the lease, not ${agent}.`);
  if (sequence < lease.since || sequence > state.cluster.eventSequence)
    return reject('fenced', `The plan is from sequence ${sequence}, the lease from ${lease.since}: fetch again.`);
  state.lease = { ...lease, until: now + state.config.externalBudgetMs, asked: false };
  return null;
}

/** Until when no pass may run; null when nothing holds it up. */
export function leaseUntil(state: EngineState): number | null {
  return state.cluster.placement === external.name ? (state.lease?.until ?? null) : null;
}

/** Why the fallback decides, for the record of its decisions; null under other policies. */
export function fallbackReason(state: EngineState): string | null {
  if (state.cluster.placement !== external.name) return null;
  const { lease } = state;
  if (lease === null) return 'no external scheduler has asked';
  const within = `within ${state.config.externalBudgetMs} ms`;
  return lease.asked
    ? `external:${lease.agent} did not answer ${within}`
    : `external:${lease.agent} was not heard of ${within}`;
}
