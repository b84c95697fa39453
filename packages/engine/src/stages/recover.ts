/**
 * After a start or a take-over, from the rows of the store alone: nobody is connected, nobody is blamed for the time
 * in which nobody listened, and what was assigned but not confirmed gets time to be.
 */
import type { Command, Reply } from '../command.ts';
import { DEFAULT_NAMESPACE } from '../model/tenancy.ts';
import type { Step } from '../step.ts';
import { changeAttempt, changeWorker } from '../transitions.ts';
import { expireIdempotency } from './admit.ts';
import { mendTimes } from './clock-step.ts';
import { forgetEnded } from './tick.ts';

export { DEFAULT_NAMESPACE };

export function recover(step: Step, { epoch }: Extract<Command, { kind: 'recover' }>): Reply {
  const { state, now } = step;
  if (epoch <= state.cluster.epoch)
    throw new Error(`epoch ${epoch} does not follow epoch ${state.cluster.epoch}: another master may lead`);
  step.setCluster({ epoch });
  step.event('master_started', { message: `Epoch ${epoch}.` });
  if (!state.namespaces.has(DEFAULT_NAMESPACE)) {
    const row = { name: DEFAULT_NAMESPACE, quota: null, createdAt: now };
    state.namespaces.set(DEFAULT_NAMESPACE, row);
    step.keep({ kind: 'namespace', row });
  }

  state.graceUntil = now + state.config.startGraceMs;
  for (const entry of state.known()) {
    // What only memory knew is gone after a restart; dropping it here as well makes both ways one.
    entry.lastSeenAt = entry.worker.lastSeenAt;
    entry.switchedAt = null;
    if (entry.worker.connected) changeWorker(step, entry.worker.id, { connected: false });
    if (entry.worker.session > 0) entry.lastSeenAt = now;
    state.armSilence(entry);
    giveTime(step, entry.live);
  }
  mendTimes(step);
  expireIdempotency(step, Number.POSITIVE_INFINITY);
  forgetEnded(state, now, Number.POSITIVE_INFINITY);
  state.unexplained.clear();
  state.lastPassAt = Number.NEGATIVE_INFINITY;
  state.lease = null;
  state.passWanted = true;
  return { ok: true, kind: 'done' };
}

/** Reservations expired while the worker had nobody to confirm them to. */
function giveTime(step: Step, live: Iterable<string>): void {
  const expiresAt = step.state.graceUntil + step.state.config.reservationTtlMs;
  for (const taskId of [...live].sort()) {
    const attempt = step.state.liveAttempt(taskId)!;
    if (attempt.state === 'assigned') changeAttempt(step, attempt, { expiresAt });
  }
}
