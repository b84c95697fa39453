/** The schedule pass: place and commit, at a pace of its own, and only when something may have become possible. */
import { external, FALLBACK } from '../policy/external.ts';
import type { Knowledge, PlacementPolicy } from '../policy/policy.ts';
import { placementPolicy } from '../policy/registry.ts';
import type { EngineState } from '../state.ts';
import type { Step } from '../step.ts';
import { changeTask } from '../transitions.ts';
import { claimOf } from './claim.ts';
import { commit } from './commit.ts';
import { type ExplainView, waitingMessage } from './explain.ts';
import { fallbackReason, leaseUntil } from './lease.ts';
import { type Placement, place } from './place.ts';

/** When the next pass is due, or null while nothing could be placed. */
export function passDue(state: EngineState): number | null {
  if (!state.passWanted || state.queue.size === 0) return null;
  return Math.max(state.lastPassAt + state.config.passDelayMs, leaseUntil(state) ?? 0, 0);
}

export function runPass(step: Step): void {
  const { state } = step;
  const view = {
    queue: state.queue,
    workers: state.rooms(),
    cursor: state.cluster.cursor,
    knowledge: knowledgeOf(state),
    seed: state.cluster.eventSequence,
    quota: (namespace: string) => state.quota(namespace),
  };
  const plan = place(view, policyOf(state), state.config.passPlacements);
  const why = fallbackReason(state);
  for (const { placedBy, ...assignment } of plan.assignments)
    carryOut(step, { ...assignment, placedBy: why === null ? placedBy : `${placedBy}; ${why}` });
  state.passWanted = plan.more;
  if (plan.cursor !== state.cluster.cursor) step.setCluster({ cursor: plan.cursor });
  state.lastPassAt = step.now;
  if (!plan.more) tellWhyTheyWait(step);
}

function carryOut(step: Step, assignment: Placement): void {
  const refusal = commit(step, assignment);
  // Ranking and commit use one predicate on one state: here a refusal means that they disagree.
  if (refusal !== null)
    throw new Error(`the pass placed ${assignment.taskId} where it does not fit: ${refusal.message}`);
}

/**
 * Workers looked at to word why new tasks wait, per pass. The exact reason is worked out whenever somebody asks; the
 * row's sentence is for those who only read the row, and must not slow the pass down.
 */
const WORKERS_LOOKED_AT = 2_000;

function tellWhyTheyWait(step: Step): void {
  const { state } = step;
  const view = explainView(state);
  let budget = WORKERS_LOOKED_AT;
  for (const taskId of state.unexplained) {
    if (budget <= 0) break;
    budget -= state.workers.size + 1;
    const task = state.tasks.get(taskId)!;
    const message = waitingMessage(claimOf(task, state.failedOn(task)), view);
    if (message !== null && message !== task.message) changeTask(step, taskId, { message });
  }
  state.unexplained.clear();
}

export function explainView(state: EngineState): ExplainView {
  return {
    workers: state.known(),
    policy: policyOf(state),
    cursor: state.cluster.cursor,
    knowledge: knowledgeOf(state),
    failedOn: (task) => state.failedOn(task),
    position: (taskId) => state.queue.position(taskId),
    quota: (namespace) => state.quota(namespace),
  };
}

function policyOf(state: EngineState): PlacementPolicy {
  const policy = placementPolicy(state.cluster.placement);
  if (policy === null) throw new Error(`placement policy ${state.cluster.placement} is not known`);
  return policy === external ? FALLBACK : policy;
}

function knowledgeOf(state: EngineState): Knowledge {
  // Only worked out for a policy that asks.
  return {
    get demand() {
      return state.demand.typical();
    },
    now: state.now,
  };
}
