import { expect, test } from 'vitest';
import { parseAnsi } from '../ansi/ansi.ts';
import { highlight } from './highlight.ts';

const marked = (line: string, text: string, isRegex = false) =>
  highlight(parseAnsi(line).spans, { text, isRegex }).map((span) => (span.isMatch ? `[${span.text}]` : span.text));

test('every match is marked', () => {
  expect(marked('an error, another error', 'error')).toEqual(['an ', '[error]', ', another ', '[error]']);
});

test('a match over two colours is marked in both', () => {
  expect(marked('\x1b[31mer\x1b[32mror x', 'error')).toEqual(['[er]', '[ror]', ' x']);
});

test('matches side by side stay matches', () => {
  expect(marked('aab', 'a')).toEqual(['[a]', '[a]', 'b']);
});

test('plain text is no pattern, a pattern is one, and a broken pattern marks nothing', () => {
  expect(marked('a.c abc', 'a.c')).toEqual(['[a.c]', ' abc']);
  expect(marked('a.c abc', 'a.c', true)).toEqual(['[a.c]', ' ', '[abc]']);
  expect(marked('abc', '(', true)).toEqual(['abc']);
  expect(marked('abc', 'x*', true)).toEqual(['abc']);
});
