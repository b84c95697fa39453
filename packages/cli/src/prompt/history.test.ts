import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/run.ts';
import { History } from './history.ts';

test('lines are kept in order, without repeats in a row, up to a bound', () => {
  const file = path.join(temporaryFolder(), 'state/history');
  const history = new History(file);
  for (const line of ['a', 'a', ' b ', '', 'a']) history.add(line);
  expect(history.newestFirst).toEqual(['a', 'b', 'a']);
  for (let index = 0; index < 1500; index++) history.add(`line ${index}`);
  const again = new History(file);
  expect(again.newestFirst.length).toBe(1000);
  expect(again.newestFirst[0]).toBe('line 1499');
  expect(fs.readFileSync(file, 'utf8').trim().split('\n').length).toBe(1000);
  expect(fs.statSync(file).mode & 0o777).toBe(0o600);
});

test('a place that cannot be written costs nothing but the history', () => {
  const history = new History('/dev/null/history');
  history.add('a');
  expect(history.newestFirst).toEqual(['a']);
});
