import { expect, test } from 'vitest';
import { formatPairs, parsePairs } from './pairs.ts';

test('pairs by comma are trimmed, values by line are kept as they are', () => {
  expect(parsePairs(' zone=b , disk = ssd,,flag', ',')).toEqual({ zone: 'b', disk: 'ssd', flag: '' });
  expect(parsePairs('A= spaced \nB=x=y\n\n', '\n')).toEqual({ A: ' spaced ', B: 'x=y' });
});

test('what is written is read back', () => {
  const pairs = { a: '1', b: 'x=y' };
  expect(parsePairs(formatPairs(pairs, '\n'), '\n')).toEqual(pairs);
  expect(parsePairs(formatPairs(pairs, ', '), ',')).toEqual(pairs);
  expect(formatPairs(undefined, '\n')).toBe('');
});
