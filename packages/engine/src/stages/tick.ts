/** Time went by: timers that are due, in the order of their times, and what memory may forget. */
import type { EngineState, TimerKind } from '../state.ts';
import type { Step } from '../step.ts';
import { expireIdempotency } from './admit.ts';
import { requestStop, stopOnWorker } from './dispatch.ts';
import { endOfDrain } from './drain.ts';
import { enqueue } from './eligible.ts';
import { endTask, finishAttempt } from './release.ts';
import { checkSilence } from './silence.ts';

/**
 * Timers, forgotten tasks and expired keys handled by one tick at most; what is left is due at once. Keeps a million
 * tasks with the same start time from becoming one enormous commit.
 */
export const DUE_PER_TICK = 10_000;

export function tick(step: Step): void {
  for (let n = 0; n < DUE_PER_TICK; n++) {
    const timer = step.state.timers.takeDue(step.now);
    if (timer === undefined) break;
    const colon = timer.key.indexOf(':');
    fire(step, timer.key.slice(0, colon) as TimerKind, timer.key.slice(colon + 1));
  }
  expireIdempotency(step, DUE_PER_TICK);
  forgetEnded(step.state, step.now, DUE_PER_TICK);
}

/** When the next tick has something to do besides the schedule pass, or null. */
export function tickDue(state: EngineState): number | null {
  const times = [state.timers.peek()?.at, forgetDue(state), state.idempotency.oldest?.expiresAt];
  let first: number | null = null;
  for (const at of times) if (at !== undefined && at !== null && (first === null || at < first)) first = at;
  return first;
}

function fire(step: Step, kind: TimerKind, id: string): void {
  switch (kind) {
    case 'eligible':
      enqueue(step, step.state.tasks.get(id)!);
      return;
    case 'queueTimeout':
      queueTimeout(step, id);
      return;
    case 'reservation':
      withdraw(step, id);
      return;
    case 'silence':
      checkSilence(step, step.state.workers.get(id)!);
      return;
    case 'drain':
      endOfDrain(step, step.state.workers.get(id)!);
      return;
  }
}

function queueTimeout(step: Step, taskId: string): void {
  const task = step.state.tasks.get(taskId)!;
  const message = `Did not start within ${task.spec.queueTimeoutMs! / 1000} s.`;
  const attempt = step.state.liveAttempt(taskId);
  if (attempt === undefined) endTask(step, taskId, { state: 'failed', reason: 'queue_timeout', message });
  else requestStop(step, attempt, 'queue_timeout', null);
}

/** The worker has not confirmed in time: the resources go back and the task elsewhere. */
function withdraw(step: Step, taskId: string): void {
  const attempt = step.state.liveAttempt(taskId)!;
  stopOnWorker(step, attempt, 'withdrawn');
  const message = `Worker ${attempt.workerId} did not confirm the assignment in time.`;
  finishAttempt(step, attempt, { reason: 'withdrawn', result: null, message, suspect: null });
}

/**
 * Ended tasks leave memory after a while, and earlier when there are very many. The store keeps them; no row changes,
 * so none is written.
 */
export function forgetEnded(state: EngineState, now: number, limit: number): void {
  for (let n = 0; n < limit; n++) {
    const due = forgetDue(state);
    if (due === null || due > now) return;
    state.forget(state.ended.peek()!.key);
  }
}

function forgetDue(state: EngineState): number | null {
  const oldest = state.ended.peek();
  if (oldest === undefined) return null;
  if (state.ended.size > state.config.endedMemoryTasks) return Number.NEGATIVE_INFINITY;
  return oldest.at + state.config.endedMemoryMs;
}
