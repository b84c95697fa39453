import { expect, test } from 'vitest';
import { count, counted, percent } from './count.ts';

test('numbers are grouped, nouns follow them', () => {
  expect(count(100_000)).toBe('100,000');
  expect(counted(1, 'task')).toBe('1 task');
  expect(counted(0, 'task')).toBe('0 tasks');
});

test('a trace is not nothing, and nothing divided by nothing is a dash', () => {
  expect(percent(0)).toBe('0 %');
  expect(percent(0.001)).toBe('<1 %');
  expect(percent(0.425)).toBe('43 %');
  expect(percent(Number.NaN)).toBe('–');
});
