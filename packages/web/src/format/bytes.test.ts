import { expect, test } from 'vitest';
import { bytes, bytesPerSecond } from './bytes.ts';

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '0.98 KiB'],
  [1024, '1 KiB'],
  [512 * 2 ** 20, '512 MiB'],
  [1.5 * 2 ** 30, '1.5 GiB'],
  [12.34 * 2 ** 40, '12.3 TiB'],
  [-2048, '−2 KiB'],
])('%d bytes are %s', (count, text) => {
  expect(bytes(count)).toBe(text);
});

test('a rate is rounded to whole bytes first', () => {
  expect(bytesPerSecond(12.6)).toBe('13 B/s');
});
