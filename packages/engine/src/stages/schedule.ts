/** The schedule pass: place and commit, at a pace of its own, and only when something may have become possible. */
import { isTerminal, type TaskId } from '../model/task.ts';
import { DEFAULT_NAMESPACE } from '../model/tenancy.ts';
import { isPreemptible } from '../model/terms.ts';
import { fairShare } from '../policy/orders/fair-share.ts';
import { priority } from '../policy/orders/priority.ts';
import type { Knowledge } from '../policy/policy.ts';
import type { EngineState } from '../state.ts';
import type { Step } from '../step.ts';
import { changeTask, taskEvent } from '../transitions.ts';
import { orderingOf, policyOf, schedulingOf, scopedPolicy } from './active-policies.ts';
import { claimOf } from './claim.ts';
import { commit } from './commit.ts';
import { requestStop } from './dispatch.ts';
import { type ExplainView, heldMessage, waitingMessage } from './explain.ts';
import { fallbackReason, leaseUntil } from './lease.ts';
import { neighboursOf } from './neighbours.ts';
import type { PassOrder } from './ordered-pass.ts';
import { type BlockedClass, type Placement, type PlaceView, type Preemption, place } from './place.ts';
import type { Resident } from './preempt.ts';
import { factsOf } from './queue.ts';
import type { QueueEntry } from './queue-order.ts';
import type { Running } from './reservations.ts';
import { usageNow } from './usage.ts';
import { positionOf } from './waiting-order.ts';

/** When the next pass is due, or null while nothing could be placed. */
export function passDue(state: EngineState): number | null {
  if (!state.passWanted || state.queue.size === 0) return null;
  return Math.max(state.lastPassAt + state.config.passDelayMs, leaseUntil(state) ?? 0, 0);
}

export function runPass(step: Step): void {
  const { state } = step;
  const plan = place(viewOf(state), policyOf(state), state.config.passPlacements);
  const why = fallbackReason(state);
  for (const { placedBy, ...assignment } of plan.assignments)
    carryOut(step, { ...assignment, placedBy: why === null ? placedBy : `${placedBy}; ${why}` });
  for (const preemption of plan.preemptions) makeRoom(step, preemption);
  state.passWanted = plan.more;
  if (plan.cursor !== state.cluster.cursor) step.setCluster({ cursor: plan.cursor });
  state.lastPassAt = step.now;
  if (plan.more) return;
  state.lastPass = plan;
  tellWhyTheyWait(step);
}

/** Everything that a pass may know. */
export function viewOf(state: EngineState): PlaceView {
  const { preemption, scopes } = schedulingOf(state);
  const order = orderOf(state);
  return {
    queue: state.queue,
    workers: state.rooms(),
    cursor: state.cluster.cursor,
    knowledge: knowledgeOf(state),
    seed: state.cluster.eventSequence,
    quota: (namespace) => state.quota(namespace),
    gang: (entry) => gangOf(state, entry),
    ...(order === null ? {} : { order, running: (workerId) => runningOn(state, workerId) }),
    ...(preemption ? { residents: (workerId) => residentsOf(state, workerId) } : {}),
    ...(state.terms.mindful.size === 0 ? {} : { neighbours: () => neighboursOf(state) }),
    ...(isEmpty(scopes) ? {} : { policyFor: (group) => scopedPolicy(state, group.namespace, group.selector) }),
  };
}

/** Null where the queue's own order does, and nobody has waited for too long. */
export function orderOf(state: EngineState): PassOrder | null {
  const { backfill, starvationMs, ageingSeconds, preemption } = schedulingOf(state);
  const policy = orderingOf(state);
  const plain = policy === priority && backfill === 'greedy' && !preemption;
  if (plain && !state.queue.oldest(1).some(({ since }) => starvationMs !== null && since + starvationMs <= state.now))
    return null;
  const beganAt = state.namespaces.get(DEFAULT_NAMESPACE)?.createdAt ?? 0;
  const usageOf = policy === fairShare ? usageNow(state) : () => 0;
  return { policy, backfill, now: state.now, beganAt, starvationMs, ageingSeconds, usageOf };
}

/** An attempt past the time it was expected to take ends, for all that is known, a quarter of that later. */
const OVERRUN = 0.25;
const LEAST_OVERRUN_MS = 60_000;

function runningOn(state: EngineState, workerId: string): Running[] {
  const live = [...(state.workers.get(workerId)?.live ?? [])].sort();
  return live.map((taskId) => {
    const attempt = state.liveAttempt(taskId)!;
    const { expectedMs } = factsOf(state.tasks.get(taskId)!);
    if (expectedMs === null) return { endsAt: Number.POSITIVE_INFINITY, request: attempt.reserved };
    const begun = attempt.startedAt ?? attempt.assignedAt;
    const late = Math.max(LEAST_OVERRUN_MS, Math.round((state.now - begun) * OVERRUN));
    return {
      endsAt: Math.max(begun + expectedMs, begun + expectedMs <= state.now ? state.now + late : 0),
      request: attempt.reserved,
    };
  });
}

function residentsOf(state: EngineState, workerId: string): Resident[] {
  const live = [...(state.workers.get(workerId)?.live ?? [])].sort();
  return live.map((taskId) => {
    const attempt = state.liveAttempt(taskId)!;
    const task = state.tasks.get(taskId)!;
    return {
      taskId,
      priority: task.priority,
      preemptible: isPreemptible(task.spec) && !isTerminal(task.state) && attempt.state !== 'unknown',
      isLeaving: attempt.stopReason !== null,
      startedAt: attempt.startedAt ?? attempt.assignedAt,
      request: attempt.reserved,
      gpus: attempt.gpus,
    };
  });
}

/** Null while one of them waits for its parents or a back-off, or is being stopped to start with the others again. */
function gangOf(state: EngineState, entry: QueueEntry): QueueEntry[] | null {
  const members: QueueEntry[] = [];
  for (const taskId of state.terms.gangs.get(entry.gang!) ?? []) {
    const { state: now } = state.tasks.get(taskId)!;
    if (now === 'pending' || state.liveAttempt(taskId)?.stopReason != null) return null;
    const member = state.queue.entryOf(taskId);
    if (member !== null) members.push(member);
  }
  return members.sort((a, b) => a.sequence - b.sequence);
}

function makeRoom(step: Step, { taskId, victims }: Preemption): void {
  for (const victim of victims) {
    const attempt = step.state.liveAttempt(victim)!;
    const message = `Makes room for task ${taskId} of higher priority.`;
    const task = changeTask(step, victim, { message });
    taskEvent(step, 'task_preempted', task, { attempt: attempt.number, workerId: attempt.workerId, message });
    requestStop(step, attempt, 'preempted', null);
  }
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
    const message = waitingMessage(claimOf(task, state.failedOn(task)), view) ?? heldMessage(task, view, step.now);
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
    position: (taskId) => positionOf(state, taskId),
    blocked: (taskId) => blockedIn(state, taskId),
    promised: (taskId) => state.lastPass?.promised.find((one) => one.taskId === taskId) ?? null,
    quota: (namespace) => state.quota(namespace),
  };
}

function isEmpty(record: object): boolean {
  for (const _name in record) return false;
  return true;
}

function knowledgeOf(state: EngineState): Knowledge {
  const { risk } = schedulingOf(state);
  // The demand is only worked out for a policy that asks.
  return {
    ...(risk === null ? {} : { risk }),
    get demand() {
      return state.demand.typical();
    },
    now: state.now,
  };
}

/** Why the last pass left the class of this task waiting. */
function blockedIn(state: EngineState, taskId: TaskId): BlockedClass['reason'] | null {
  const group = state.queue.classOf(taskId);
  return state.lastPass?.blocked.find((one) => one.class === group)?.reason ?? null;
}
