import { randomFillSync } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** Random bytes are fetched for many ids at a time: one by one they cost more than the rest of a small request. */
const POOL = Buffer.allocUnsafe(8 * 1024);
let used = POOL.length;

/** 16 characters of `[a-z2-7]`, 80 random bits: names tasks, jobs and clusters. */
export function newId(length = 16): string {
  if (used + length > POOL.length) {
    randomFillSync(POOL);
    used = 0;
  }
  let id = '';
  for (const end = used + length; used < end; used++) id += ALPHABET[POOL[used]! & 31];
  return id;
}
