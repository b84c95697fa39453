// Chance that can be repeated. A run prints its seed and the command that replays it; what the machine does in between
// stays its own affair, so a replay makes the same kills at the same delays, not at the same instructions.
import path from 'node:path';

export interface Chance {
  readonly seed: number;
  /** From `low` up to, not including, `high`. */
  between(low: number, high: number): number;
  integer(low: number, high: number): number;
}

export function chance(file: string): Chance {
  const seed = Number(process.env.CLOUDAI_CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 32));
  const kills = process.env.CLOUDAI_CHAOS_KILLS;
  const replay = [
    `CLOUDAI_CHAOS_SEED=${seed}`,
    ...(kills === undefined ? [] : [`CLOUDAI_CHAOS_KILLS=${kills}`]),
    ...(process.env.CLOUDAI_CHAOS_TASKS === undefined
      ? []
      : [`CLOUDAI_CHAOS_TASKS=${process.env.CLOUDAI_CHAOS_TASKS}`]),
    `npx vitest run --project e2e tests/chaos/${path.basename(file)}`,
  ].join(' ');
  console.log(`seed ${seed}; replay with: ${replay}`);
  const random = mulberry32(seed);
  return {
    seed,
    between: (low, high) => low + random() * (high - low),
    integer: (low, high) => Math.floor(low + random() * (high - low)),
  };
}

function mulberry32(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A figure of a run, by environment; the default is sized for continuous integration. */
export function figure(name: string, usual: number): number {
  return Number(process.env[name] ?? usual);
}
