/**
 * At hello: what the worker found in its runtime against what the engine holds on it. The worker is right about what
 * runs, the engine about what should.
 */
import type { FoundAttempt } from '../command.ts';
import { type Attempt, isLive } from '../model/attempt.ts';
import type { WorkerEntry } from '../state.ts';
import type { Step } from '../step.ts';
import { changeAttempt } from '../transitions.ts';
import { startOnWorker, stopOnWorker } from './dispatch.ts';
import { finishAttempt } from './release.ts';
import { confirm, nowRunning } from './report.ts';
import { resume } from './sessions.ts';

interface AttemptKey {
  readonly taskId: string;
  readonly attempt: number;
}

/** Returns what the worker has to stop and remove: attempts that the engine does not know or has given up. */
export function reconcile(step: Step, entry: WorkerEntry, found: readonly FoundAttempt[]): AttemptKey[] {
  const abandon: AttemptKey[] = [];
  const here = new Set<string>();
  for (const one of found) {
    const attempt = step.state.attempt(one.taskId, one.attempt);
    const known = attempt !== undefined && attempt.workerId === entry.worker.id;
    if (known && isLive(attempt.state)) {
      here.add(attempt.taskId);
      takeUp(step, attempt, one);
      // An end that came too late still has a result to tell; its report is answered like any other.
    } else if (!known || one.phase !== 'ended') abandon.push({ taskId: one.taskId, attempt: one.attempt });
  }
  for (const taskId of [...entry.live].sort()) if (!here.has(taskId)) missing(step, step.state.liveAttempt(taskId)!);
  return abandon;
}

/** The worker has it: it goes on where it is. */
function takeUp(step: Step, attempt: Attempt, found: FoundAttempt): void {
  const task = step.state.tasks.get(attempt.taskId)!;
  // Its reservation must not expire while the report of its end is on the way.
  if (found.phase === 'ended') {
    if (attempt.state === 'assigned') confirm(step, task, attempt, null);
    return;
  }
  let now = attempt.state === 'assigned' ? confirm(step, task, attempt, null) : attempt;
  if (now.startedAt === null && found.startedAt !== null) {
    const { startedAt } = found;
    now = nowRunning(step, task, now, { startedAt, containerId: null, imageDigest: null });
  }
  if (now.state === 'unknown') resume(step, now);
  else if (now.stopReason !== null) stopOnWorker(step, now, now.stopReason);
}

/** The worker does not have it: either it never arrived, or it is gone. */
function missing(step: Step, attempt: Attempt): void {
  if (attempt.stopReason !== null) {
    finishAttempt(step, attempt, {
      reason: attempt.stopReason,
      result: null,
      message: 'Its worker came back without it.',
      suspect: null,
    });
    return;
  }
  if (attempt.startedAt !== null) {
    finishAttempt(step, attempt, {
      reason: 'external',
      result: null,
      message: 'Its container was gone when the worker came back.',
      suspect: null,
    });
    return;
  }
  const resumed = attempt.state === 'unknown' ? resume(step, attempt) : attempt;
  const { session } = step.state.workers.get(attempt.workerId)!.worker;
  const expiresAt = step.now + step.state.config.reservationTtlMs;
  // Asked again, it has to answer again: what it confirmed once is not here any more.
  const again = { state: 'assigned', session, expiresAt, confirmedAt: null, progress: null } as const;
  startOnWorker(step, changeAttempt(step, resumed, again));
}
