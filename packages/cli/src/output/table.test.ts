import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { box } from './box.ts';
import { ago, bytes, duration, gib } from './format.ts';
import { printable } from './printable.ts';
import { type Column, renderTable, truncate } from './table.ts';

interface Row {
  readonly id: string;
  readonly text: string;
  readonly count: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'TEXT', value: ({ text }) => text, shrinks: true },
  { title: 'COUNT', value: ({ count }) => String(count), align: 'right' },
];

const ROWS: readonly Row[] = [
  { id: 'a', text: 'short', count: 1 },
  { id: 'bb', text: '日本語のとても長い説明がここにあります', count: 1234 },
  { id: 'c', text: 'emoji 👩‍👩‍👧 and e\u0301 and a rather long tail of words', count: 5 },
];

describe('a table', () => {
  test('without a terminal shows everything', () => {
    const lines = renderTable(COLUMNS, ROWS, { width: null });
    expect(lines[0]).toMatch(/^ID {2}TEXT +COUNT$/);
    for (const { text } of ROWS) expect(lines.some((line) => line.includes(text))).toBe(true);
  });

  test.each([20, 24, 30, 40, 60, 200])('fits into %i columns, wide characters and all', (width) => {
    const lines = renderTable(COLUMNS, ROWS, { width });
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    // Right-aligned numbers end in the same column.
    expect(new Set(lines.map((line) => stringWidth(line))).size).toBe(1);
  });

  test('keeps what does not shrink, even when it is too narrow for it', () => {
    const lines = renderTable(COLUMNS, ROWS, { width: 5 });
    expect(lines[2]).toContain('bb');
    expect(lines[2]).toContain('1234');
  });

  test('colours change no widths', () => {
    const painted = COLUMNS.map((column) => ({ ...column, paint: (cell: string) => `\u001b[31m${cell}\u001b[39m` }));
    const plain = renderTable(COLUMNS, ROWS, { width: 40 }).map((line) => stringWidth(line));
    expect(renderTable(painted, ROWS, { width: 40 }).map((line) => stringWidth(line))).toEqual(plain);
  });

  test('has its titles when it has no rows', () => {
    expect(renderTable(COLUMNS, [], { width: 40 })).toEqual(['ID  TEXT  COUNT']);
  });
});

test('text is cut between characters, never through one', () => {
  expect(truncate('abcdef', 4)).toBe('abc…');
  expect(truncate('日本語', 4)).toBe('日…');
  expect(truncate('👩‍👩‍👧👩‍👩‍👧', 3)).toBe('👩‍👩‍👧…');
  expect(truncate('abc', 3)).toBe('abc');
});

test('a box has straight sides', () => {
  const lines = box('Worker 日本', ['Status: 🟢 Active', 'x'.repeat(120)], 80);
  expect(new Set(lines.map((line) => stringWidth(line)))).toEqual(new Set([80]));
});

test('control characters are shown and not carried out', () => {
  expect(printable('a\u001b[2Jb\r\n\tc\u0007\u009b')).toBe('a\\e[2Jb\\r\\n\\tc\\x07\\x9b');
});

test('numbers and times for people', () => {
  expect([5_000, 123_000, 3_720_000, 277_200_000].map(duration)).toEqual(['5s', '2m 3s', '1h 2m', '3d 5h']);
  const now = Date.parse('2027-01-01T12:00:00Z');
  const before = (seconds: number) => ago(new Date(now - seconds * 1000).toISOString(), now);
  expect([5, 1, 60, 7200, 200_000].map(before)).toEqual([
    '5 seconds ago',
    '1 second ago',
    '1 minute ago',
    '2 hours ago',
    '2 days ago',
  ]);
  expect(ago(null, now)).toBe('never');
  expect([0, 1023, 2 ** 29, 2 ** 31, 1.5 * 2 ** 40].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '512.0 MiB',
    '2.0 GiB',
    '1.5 TiB',
  ]);
  expect(gib(4 * 2 ** 30, 1)).toBe('4.0');
});
