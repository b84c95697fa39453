import { crc32 } from 'node:zlib';
import type { Row } from './codec.ts';

/** FNV-1a's, of 32 bits: each step is a bijection, so that one changed character always changes the result. */
const OFFSET = 0x811c9dc5;
const PRIME = 16_777_619;
const END_OF_VALUE = 0x1f;
const NULL = 0x1e;
/** Longer texts go through zlib, which is faster than this loop by then. */
const LONG = 64;

/**
 * Guards a row's values against bits that flip on the disk; not against anybody. For the values `from` to before
 * `to`; `of` binds them to a number outside, such as the row's key. 0.4 µs for a task; joining the values and taking
 * the CRC of the text cost 1.5.
 */
export function checksum(values: Row, from = 0, to = values.length, of = 0): number {
  let hash = mix(OFFSET, of);
  for (let at = from; at < to; at += 1) {
    const value = values[at];
    if (typeof value === 'string') {
      if (value.length > LONG) hash = mix(hash, crc32(value));
      else for (let n = 0; n < value.length; n += 1) hash = Math.imul(hash ^ value.charCodeAt(n), PRIME);
    } else if (typeof value === 'number') hash = mix(hash, value);
    else hash = Math.imul(hash ^ NULL, PRIME);
    hash = Math.imul(hash ^ END_OF_VALUE, PRIME);
  }
  return hash >>> 0;
}

/** Both halves of an integer of up to 53 bits. */
function mix(hash: number, value: number): number {
  const low = Math.imul(hash ^ (value | 0), PRIME);
  return Math.imul(low ^ Math.floor(value / 2 ** 32), PRIME);
}
