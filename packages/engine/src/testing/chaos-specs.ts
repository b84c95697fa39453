/** What the tasks of a chaotic cluster ask for and how they end: numbers, turned into specs and words. */
import type { FoundAttempt } from '../command.ts';
import type { Attempt } from '../model/attempt.ts';
import type { EndReason } from '../model/task.ts';
import type { SchedulingTerms } from '../model/terms.ts';
import type { SpecOptions } from './builders.ts';

export const WORKERS = ['w1', 'w2', 'w3', 'w4'];

export function specOptions(who: number, how: number, now: number): SpecOptions {
  const terms = how % 4 === 1 ? { terms: termsOf(who, how) } : {};
  return {
    // Gangs are small, or they would never start.
    cpu: terms.terms?.gang === true ? 0.5 : [0, 0.5, 1, 2, 3, 9][how % 6]!,
    memory: [0.5, 1, 2][who % 3]!,
    gpu: how % 10 === 0 ? [0.5, 1, 2][who % 3]! : 0,
    custom: how % 13 === 0 ? { licence: 1 } : {},
    priority: who % 5 === 0 ? how % 101 : 50,
    deadlineAt: how % 4 === 0 ? now + (who % 1000) : null,
    startAfter: how % 9 === 0 ? now + (who % 5_000) : null,
    queueTimeoutMs: how % 7 === 0 ? 1 + (who % 40_000) : null,
    targetWorker: how % 8 === 0 ? WORKERS[who % WORKERS.length]! : null,
    selector: how % 11 === 0 ? { zone: 'a' } : {},
    labels: how % 3 === 0 ? { app: who % 2 === 0 ? 'web' : 'db', type: 'mixed' } : {},
    ...terms,
    retry: { limit: who % 3, backoffMs: how % 2 === 0 ? 0 : 500, exitCodes: how % 5 === 0 ? [1] : null },
  };
}

function termsOf(who: number, how: number): Partial<SchedulingTerms> {
  const app = { labels: { app: who % 3 === 0 ? 'web' : 'db' }, by: how % 2 === 0 ? null : 'zone' };
  return {
    ...(who % 2 === 0 ? { expectedMs: 1 + (how % 9) * 4_000 } : {}),
    ...(how % 3 === 2 ? { gang: true } : {}),
    ...(who % 5 === 0 ? { preemptible: false } : {}),
    ...(who % 7 === 0 ? { gpuModels: [how % 3 === 0 ? 'Test' : 'Other', 'Third'] } : {}),
    ...(who % 11 === 0 ? { near: [app] } : {}),
    ...(who % 11 === 1 ? { apart: [app] } : {}),
    ...(who % 11 === 2 ? { spread: [{ ...app, maxSkew: 1 + (how % 2) }] } : {}),
  };
}

export const REASONS: readonly EndReason[] = [
  'exit_zero',
  'exit_zero',
  'exit_zero',
  'exit_nonzero',
  'oom',
  'timeout',
  'image_error',
  'external',
  'daemon_restart',
  'start_error',
  'stuck',
  'cancelled_by_user',
  'evicted',
  'poison',
  'worker_lost',
  'preempted',
];

export function foundOf(attempt: Attempt, how: number): FoundAttempt[] {
  const { taskId, number } = attempt;
  switch (how % 6) {
    case 0:
      return [];
    case 1:
      return [{ taskId, attempt: number, phase: 'starting', startedAt: null }];
    case 2:
      return [{ taskId, attempt: number, phase: 'ended', startedAt: null }];
    case 3:
      return [{ taskId, attempt: number, phase: 'stopping', startedAt: attempt.startedAt }];
    default:
      return [{ taskId, attempt: number, phase: 'running', startedAt: attempt.startedAt ?? attempt.assignedAt }];
  }
}
