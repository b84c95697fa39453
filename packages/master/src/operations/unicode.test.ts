import fc from 'fast-check';
import { expect, test } from 'vitest';
import { illFormedField } from './unicode.ts';

const HALF = '\ud83d';

test.each([
  [{ name: HALF }, 'name'],
  [{ name: `${HALF}x` }, 'name'],
  [{ name: '\ude00\ud83d' }, 'name'],
  [{ env: { KEY: `a${HALF}` } }, 'env.KEY'],
  [{ labels: { [HALF]: 'x' } }, 'labels.\ufffd'],
  [{ command: ['echo', HALF] }, 'command[1]'],
  [{ tasks: [{ name: 'fine' }, { retry: { reasons: ['oom', HALF] } }] }, 'tasks[1].retry.reasons[1]'],
])('%j has it at %s', (input, field) => {
  expect(illFormedField(input)).toBe(field);
});

test('whole characters of any kind, and values that are no text, pass', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => illFormedField(value) === null));
  expect(illFormedField({ name: '😀 é \u0000', count: 3, none: null, on: true })).toBeNull();
});
