import { expect, test } from 'vitest';
import { LogBuffer, MOST_CHARACTERS, MOST_ROWS, type Stream } from './log-buffer.ts';

const at = '2026-11-22T12:00:00.000Z';
const data = (text: string, stream: Stream = 'stdout', offset = 0, attempt = 1) =>
  ({ kind: 'data', attempt, stream, offset, at, text }) as const;
const texts = (buffer: LogBuffer) => buffer.rows.map(({ text }) => text);

test('records are cut at line ends, and an unfinished line goes on', () => {
  const buffer = new LogBuffer();
  buffer.push(data('one\ntw'));
  expect(texts(buffer)).toEqual(['one', 'tw']);
  buffer.push(data('o\n\nthree\n'));
  expect(texts(buffer)).toEqual(['one', 'two', '', 'three']);
});

test('the streams do not run into each other', () => {
  const buffer = new LogBuffer();
  buffer.push(data('out'));
  buffer.push(data('err\n', 'stderr'));
  buffer.push(data('put\n'));
  expect(buffer.rows.map((row) => row.kind === 'line' && [row.stream, row.text])).toEqual([
    ['stdout', 'output'],
    ['stderr', 'err'],
  ]);
});

test('colours go on in the next line of the same stream', () => {
  const buffer = new LogBuffer();
  buffer.push(data('\x1b[31mred\n'));
  buffer.push(data('plain\n', 'stderr'));
  buffer.push(data('still red\n'));
  expect(buffer.rows.map((row) => row.kind === 'line' && row.style.color)).toEqual([null, null, '1']);
});

test('bytes that are split within a character are put together', () => {
  const buffer = new LogBuffer();
  const [first, second] = [btoa('\xe2\x82'), btoa('\xac\n')];
  for (const base64 of [first!, second!])
    buffer.push({ kind: 'data', attempt: 1, stream: 'stdout', offset: 0, at, base64 });
  expect(texts(buffer)).toEqual(['€']);
});

test('a log that starts later than its beginning says so', () => {
  const whole = new LogBuffer();
  whole.push(data('a\n', 'stdout', 0));
  whole.push(data('b\n', 'stdout', 2));
  expect(whole.isPartial).toBe(false);
  const tail = new LogBuffer();
  tail.push(data('b\n', 'stdout', 2));
  expect(tail.isPartial).toBe(true);
});

test('attempts, drops and the end are told in words', () => {
  const buffer = new LogBuffer();
  buffer.push(data('half'));
  buffer.push({ kind: 'attempt', attempt: 2, worker: 'w-1' });
  buffer.push(data('new\n', 'stdout', 0, 2));
  buffer.push({ kind: 'dropped', attempt: 2, bytes: 1234 });
  buffer.push({ kind: 'end', state: 'failed', reason: 'exit_nonzero', exitCode: 3, message: null });
  expect(texts(buffer)).toEqual([
    'half',
    'Attempt 2 on w-1',
    'new',
    '1,234 bytes beyond the log limit were dropped here',
    'The task failed with exit code 3',
  ]);
  expect(buffer.hasEnded).toBe(true);
});

test('it stays bounded: the oldest rows go and are counted, the open line goes on', () => {
  const buffer = new LogBuffer();
  buffer.push(data('x\n'.repeat(MOST_ROWS)));
  buffer.push(data('open'));
  expect(buffer.rows.length).toBeLessThanOrEqual(MOST_ROWS);
  expect(buffer.rows.length + buffer.removed).toBe(MOST_ROWS + 1);
  buffer.push(data(' line\n'));
  expect(buffer.rows.at(-1)).toMatchObject({ text: 'open line' });
  buffer.push(data('y'.repeat(MOST_CHARACTERS * 2)));
  expect(buffer.rows.at(-1)!.text.length).toBe(MOST_CHARACTERS + 1);
});
