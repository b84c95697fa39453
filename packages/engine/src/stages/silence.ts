/**
 * Workers that say nothing. After `suspectMs` nothing new is placed there and its attempts are shown as unknown;
 * after `lostMs` they are given up and tried again elsewhere. The clock only decides when to give up waiting; that an
 * attempt given up can not decide anything later is the fence's work.
 */
import type { WorkerEntry } from '../state.ts';
import type { Step } from '../step.ts';
import { changeAttempt, changeWorker, taskEvent } from '../transitions.ts';
import { finishAttempt } from './release.ts';

/** The silence timer of this worker has fired; it may have been heard of since it was set. */
export function checkSilence(step: Step, entry: WorkerEntry): void {
  const due = step.state.silenceDue(entry);
  if (due === null) return;
  if (due > step.now) step.state.armSilence(entry);
  else if (entry.worker.state === 'active') suspect(step, entry);
  else lose(step, entry);
}

function suspect(step: Step, entry: WorkerEntry): void {
  const { id } = entry.worker;
  changeWorker(step, id, { state: 'suspect' });
  step.event('worker_suspect', { workerId: id, message: `Silent for ${silence(step, entry)} s.` });
  for (const taskId of [...entry.live].sort()) {
    const attempt = step.state.liveAttempt(taskId)!;
    // One that was never confirmed has its own, shorter way out: the reservation expires.
    if (attempt.state === 'assigned' || attempt.state === 'unknown') continue;
    changeAttempt(step, attempt, { state: 'unknown' });
    const task = step.state.tasks.get(taskId)!;
    taskEvent(step, 'attempt_unknown', task, {
      attempt: attempt.number,
      workerId: id,
      message: 'Its worker is silent.',
    });
  }
}

function lose(step: Step, entry: WorkerEntry): void {
  const { id, session, connected } = entry.worker;
  changeWorker(step, id, { state: 'lost', connected: false });
  step.event('worker_lost', { workerId: id, message: `Silent for ${silence(step, entry)} s.` });
  if (connected)
    step.effects.push({
      kind: 'closeSession',
      workerId: id,
      session,
      code: 'fenced',
      message: `Worker ${id} was silent for too long and its attempts were given up. Connect again.`,
    });
  giveUpAttempts(step, entry, 'Its worker was lost.');
}

/** Ends everything that lives on a worker that is not coming back to it. */
export function giveUpAttempts(step: Step, entry: WorkerEntry, message: string): void {
  const lastSeenAt = entry.lastSeenAt ?? step.now;
  for (const taskId of [...entry.live].sort()) {
    const attempt = step.state.liveAttempt(taskId)!;
    const began = attempt.startedAt ?? attempt.confirmedAt;
    // One that began later than that began before the clock was set back: how old it is nobody knows.
    const young = began !== null && began <= lastSeenAt && lastSeenAt - began < step.state.config.poisonWindowMs;
    finishAttempt(step, attempt, {
      reason: 'worker_lost',
      result: null,
      message,
      suspect: young ? entry.worker.id : null,
    });
  }
}

function silence(step: Step, entry: WorkerEntry): number {
  return Math.round((step.now - (entry.lastSeenAt ?? step.now)) / 1000);
}
