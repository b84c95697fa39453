// Waiting for the world: always for something that can be asked, never for a length of time.
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;

export interface UntilOptions {
  /** Names what was waited for, in the error. */
  readonly what: string;
  readonly withinMs?: number;
  readonly pollMs?: number;
}

/** Asks until the answer is neither undefined nor false, and returns it. What the last try threw or answered is in the error. */
export async function until<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { what, withinMs = 30_000, pollMs = POLL_MS }: UntilOptions,
): Promise<T> {
  const start = performance.now();
  let last: unknown = 'no answer';
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = answer;
    } catch (error) {
      if (error instanceof GiveUp) throw error;
      last = error;
    }
    if (performance.now() - start > withinMs) {
      throw new Error(`waited ${withinMs} ms for ${what}; the last answer was: ${String(last)}`, {
        ...(last instanceof Error ? { cause: last } : {}),
      });
    }
    await sleep(pollMs);
  }
}

/** Thrown by a question that can not be answered any more, such as one to a process that has ended. */
export class GiveUp extends Error {
  override readonly name = 'GiveUp';
}
