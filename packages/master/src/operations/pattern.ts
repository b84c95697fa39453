/** Regular expressions of users, for which there is always a bound on the time that a line takes. */
import { setFlagsFromString } from 'node:v8';
import { invalid } from './rejected.ts';

/** Every character of a line is looked at once for each of them, in the worst case. */
const MAX_PATTERN_SIZE = 64;
/** A pattern is looked for in the first so many bytes of a line: 50 ms at worst, measured with 64 times `.*`. */
export const MAX_MATCHED_BYTES = 8 * 1024;

let engineOn = false;

/**
 * A pattern that is matched without backtracking, in time linear to the line whatever the pattern: V8's second engine
 * (flag `l`), which refuses what it can not do that way. The usual engine can be kept busy for hours by `(a+)+b`.
 */
export function linearPattern(source: string): RegExp {
  const size = patternSize(source);
  if (size > MAX_PATTERN_SIZE)
    throw invalid(
      'regex',
      `the pattern is too large: ${size} parts with repetitions written out, at most ${MAX_PATTERN_SIZE} are allowed`,
    );
  if (!engineOn) {
    setFlagsFromString('--enable-experimental-regexp-engine');
    engineOn = true;
  }
  try {
    return new RegExp(source, 'l');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw invalid(
      'regex',
      reason.includes('linear time')
        ? 'look-around, back-references, Unicode classes and large repetitions are not available here, because they can not be matched in linear time'
        : reason,
    );
  }
}

/** Characters, classes and operators of a pattern, with counted repetitions written out. Not meant for broken patterns. */
export function patternSize(source: string): number {
  /** Sizes of the open groups, and of the last part in each, to which a quantifier belongs. */
  const open: { size: number; last: number }[] = [{ size: 0, last: 0 }];
  for (let at = 0; at < source.length; ) {
    const group = open.at(-1)!;
    const add = (size: number) => {
      group.size += size;
      group.last = size;
    };
    const rest = source.slice(at);
    const counted = /^\{(\d{1,9})(,(\d{0,9}))?\}/.exec(rest);
    if (counted !== null) {
      const [text, least = '0', comma, most = ''] = counted;
      const times = most !== '' ? Number(most) : Number(least) + (comma === undefined ? 0 : 1);
      add(group.last * Math.max(0, times - 1));
      at += text.length;
    } else if (rest[0] === '(') {
      open.push({ size: 1, last: 0 });
      at += /^\((?:\?[:=!]|\?<[=!]?)?/.exec(rest)![0].length;
    } else if (rest[0] === ')' && open.length > 1) {
      const { size } = open.pop()!;
      const outer = open.at(-1)!;
      outer.size += size;
      outer.last = size;
      at += 1;
    } else {
      add(1);
      at += /^(?:\\[\s\S]?|\[(?:\\[\s\S]|[^\]\\])*\]?|[\s\S])/.exec(rest)![0].length;
    }
  }
  return open.reduce((sum, { size }) => sum + size, 0);
}
