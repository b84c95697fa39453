import type { DrawingPolicy } from './policy.ts';

/** Any worker with room. The seed of a pass is the number of the newest event, so a replay draws the same. */
export const random: DrawingPolicy = {
  kind: 'drawing',
  name: 'random',
  version: 1,
  summary: 'Any worker with room, each as likely as the others; the same again when the same commands are replayed.',
  source: 'The baseline of Weng et al., Beware of Fragmentation, USENIX ATC 2023',
};

/** Seeded draws (mulberry32: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c). */
export class Draws {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return Math.floor((((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32) * bound);
  }
}
