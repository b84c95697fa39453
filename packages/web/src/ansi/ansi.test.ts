import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PLAIN, parseAnsi, stripAnsi } from './ansi.ts';

const spans = (line: string) => parseAnsi(line).spans.map(({ text, style }) => [text, style.color, style.bold]);

test('colours and weight change where the line says so', () => {
  expect(spans('a \x1b[31mred\x1b[1m bold\x1b[0m end')).toEqual([
    ['a ', null, false],
    ['red', '1', false],
    [' bold', '1', true],
    [' end', null, false],
  ]);
});

test('bright, 256 and true colours', () => {
  expect(spans('\x1b[92mx')).toEqual([['x', '10', false]]);
  expect(spans('\x1b[38;5;196mx')).toEqual([['x', '#ff0000', false]]);
  expect(spans('\x1b[38;5;3mx')).toEqual([['x', '3', false]]);
  expect(spans('\x1b[38;5;244mx')).toEqual([['x', '#808080', false]]);
  expect(spans('\x1b[38;2;1;2;300mx')).toEqual([['x', '#0102ff', false]]);
  expect(spans('\x1b[38;5;999mx\x1b[38;9mx')).toEqual([
    ['x', null, false],
    ['x', null, false],
  ]);
});

test('a style goes on in the next line until it is reset', () => {
  const { end } = parseAnsi('\x1b[4;33mwarn');
  expect(parseAnsi('more', end).spans[0]!.style).toMatchObject({ color: '3', underline: true });
  expect(parseAnsi('\x1b[mplain', end).end).toEqual(PLAIN);
});

test('an empty code in a list is a reset, as terminals have it', () => {
  expect(parseAnsi('\x1b[31;;1mx').spans[0]!.style).toMatchObject({ color: null, bold: true });
});

describe('what is no colour is dropped', () => {
  test.each([
    ['a\x1b[2Jb', 'ab'],
    ['a\x1b[10;5Hb', 'ab'],
    ['\x1b]0;title\x07x', 'x'],
    ['\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\', 'link'],
    ['a\x1b', 'a'],
    ['a\x1b[', 'a'],
    ['a\x00\x08\x07b', 'ab'],
    ['tab\tstays', 'tab\tstays'],
  ])('%j', (line, text) => {
    expect(stripAnsi(line)).toBe(text);
  });
});

test('a carriage return starts the line anew, one at the end does not', () => {
  expect(stripAnsi('10%\r50%\r100%')).toBe('100%');
  expect(stripAnsi('windows\r')).toBe('windows');
  expect(stripAnsi('\x1b[31m10%\r\x1b[32m20%')).toBe('20%');
});

test('nothing of an escape ever gets through, whatever the input', () => {
  const anything = fc.string({
    unit: fc.constantFrom('\x1b', '[', ']', 'm', ';', '3', '8', '5', '\r', '\x07', 'a', '<', '\x9b'),
  });
  fc.assert(
    fc.property(anything, (line) => {
      expect(stripAnsi(line)).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
    }),
  );
});
