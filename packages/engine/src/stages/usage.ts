/**
 * What users have used of late, for the order `fair-share`: dominant share of the cluster times seconds, half of it
 * forgotten every day. Counted at the end of each attempt while that order is in use, and kept in the user's row; what
 * still runs is counted as it is asked for.
 */
import type { Attempt } from '../model/attempt.ts';
import type { User } from '../model/tenancy.ts';
import type { EngineState } from '../state.ts';
import type { Step } from '../step.ts';
import { dominantShare, sizeOf } from './ordered-pass.ts';

const HALF_LIFE_MS = 86_400_000;

/** An attempt of a task of this owner has ended. */
export function chargeUsage(step: Step, owner: string, attempt: Attempt): void {
  const user = step.state.users.get(owner);
  // A user who is gone has nothing to gain or to lose.
  if (user === undefined) return;
  const seconds = Math.max(0, step.now - attempt.assignedAt) / 1000;
  const used = dominantShare(attempt.reserved, sizeOf(step.state.rooms())) * seconds;
  const row: User = { ...user, usage: { amount: decayed(user.usage, step.now) + used, at: step.now } };
  step.state.users.set(owner, row);
  step.keep({ kind: 'user', row });
}

/** By user, with what runs now. */
export function usageNow(state: EngineState): (owner: string) => number {
  const size = sizeOf(state.rooms());
  const running = new Map<string, number>();
  for (const entry of state.workers.values())
    for (const taskId of entry.live) {
      const attempt = state.liveAttempt(taskId)!;
      const { owner } = state.tasks.get(taskId)!;
      const seconds = Math.max(0, state.now - attempt.assignedAt) / 1000;
      running.set(owner, (running.get(owner) ?? 0) + dominantShare(attempt.reserved, size) * seconds);
    }
  return (owner) => decayed(state.users.get(owner)?.usage, state.now) + (running.get(owner) ?? 0);
}

function decayed(usage: User['usage'], now: number): number {
  return usage === undefined ? 0 : usage.amount * Math.exp((-Math.LN2 * Math.max(0, now - usage.at)) / HALF_LIFE_MS);
}
