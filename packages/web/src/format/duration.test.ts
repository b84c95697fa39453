import { expect, test } from 'vitest';
import { duration, shortDuration } from './duration.ts';

test.each([
  [-5, '0ms'],
  [350.4, '350ms'],
  [1_000, '1s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [200_000, '3m 20s'],
  [3_600_000, '1h'],
  [3_659_000, '1h'],
  [187_200_000, '2d 4h'],
  [Number.POSITIVE_INFINITY, '–'],
])('%d ms are %s', (ms, text) => {
  expect(duration(ms)).toBe(text);
});

test.each([
  [200, '0s'],
  [61_000, '1m'],
  [90_000_000, '1d'],
])('%d ms are about %s', (ms, text) => {
  expect(shortDuration(ms)).toBe(text);
});
