// Does harm again and again at random moments, and measures how long each recovery took.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Chance } from './seed.ts';

export interface NemesisOptions {
  readonly random: Chance;
  readonly times: number;
  /** Shortest and longest pause before a strike, ms. */
  readonly pauseMs: readonly [number, number];
  /** Resolves when service is back; answers what that took, ms. */
  readonly strike: () => Promise<number>;
}

/** Strikes until it has done so often enough or the work is done; answers what each recovery took. */
export async function haunt(work: Promise<unknown>, options: NemesisOptions): Promise<number[]> {
  const recoveries: number[] = [];
  let busy = true;
  const done = work.then(
    () => {
      busy = false;
    },
    () => {
      busy = false;
    },
  );
  while (busy && recoveries.length < options.times) {
    await Promise.race([done, sleep(options.random.between(...options.pauseMs))]);
    if (busy) recoveries.push(await options.strike());
  }
  await work;
  return recoveries;
}

export function summarise(what: string, recoveries: readonly number[]): string {
  const sorted = [...recoveries].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
  return `${recoveries.length} times ${what}: back after ${at(0.5)} ms (median), ${at(1)} ms (longest)`;
}
