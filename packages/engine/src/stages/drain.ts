/** Drain: nothing new is placed; with a deadline, what still runs then is stopped and placed elsewhere. */
import { type DrainWorker, type Reply, reject } from '../command.ts';
import type { WorkerEntry } from '../state.ts';
import type { Step } from '../step.ts';
import { changeWorker } from '../transitions.ts';
import { requestStop } from './dispatch.ts';

export function drainWorker(step: Step, { workerId, drain, by }: DrainWorker): Reply {
  const entry = step.state.workers.get(workerId);
  if (entry === undefined) return reject('worker_unknown', `Worker ${workerId} not found`);
  if (entry.worker.state === 'revoked') return reject('worker_revoked', `Worker ${workerId} was unregistered.`);
  if (drain === null) {
    if (entry.worker.drain === null) return { ok: true, kind: 'done' };
    changeWorker(step, workerId, { drain: null });
    step.event('worker_drain_ended', { workerId, by });
    step.state.passWanted = true;
    return { ok: true, kind: 'done' };
  }
  const since = entry.worker.drain?.since ?? step.now;
  changeWorker(step, workerId, { drain: { since, deadlineAt: drain.deadlineAt, reason: drain.reason } });
  step.event('worker_drain_started', { workerId, by, message: drain.reason });
  return { ok: true, kind: 'done' };
}

/** The deadline has passed. */
export function endOfDrain(step: Step, entry: WorkerEntry): void {
  for (const taskId of [...entry.live].sort()) {
    const attempt = step.state.liveAttempt(taskId)!;
    if (attempt.stopReason === null) requestStop(step, attempt, 'evicted', null);
  }
}
