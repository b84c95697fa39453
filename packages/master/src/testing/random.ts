/** Small and good enough; the seed makes a failing run repeatable as far as timing allows. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Of this run: CLOUDAI_TEST_SEED repeats one. A test shows it in its name. */
export const SEED = Number(process.env.CLOUDAI_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
