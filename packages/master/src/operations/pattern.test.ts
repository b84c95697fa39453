import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linearPattern, MAX_MATCHED_BYTES, patternSize } from './pattern.ts';
import { Rejected } from './rejected.ts';

describe('the size of a pattern', () => {
  test.each([
    ['', 0],
    ['abc', 3],
    ['a|b', 3],
    ['[a-z\\]]+', 2],
    ['\\d\\.', 2],
    ['(ab)*', 4],
    ['(?:ab)', 3],
    ['a{3}', 3],
    ['a{2,5}', 5],
    ['a{3,}', 4],
    ['(ab){10}', 30],
    ['((a{4}){4}){4}', 84],
    ['a{0}', 1],
    ['{', 1],
    [')', 1],
    ['a{,3}', 5],
  ])('%s: %i', (source, size) => {
    expect(patternSize(source)).toBe(size);
  });

  test('is a number for whatever is written', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab\\[](){}?*+|^$.,0129:<=!'), maxLength: 60 }), (source) => {
        expect(patternSize(source)).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

test.each(['.*'.repeat(32), '(.*){16}', '(a|b|c|d|e|f)*x', '(a+)+b', '((a*)*)*', '.*.*.*=.*', 'a{0,16}a{0,16}$'])(
  'the worst that %s can do to a line is bounded',
  (source) => {
    const pattern = linearPattern(source);
    const lines = ['a'.repeat(MAX_MATCHED_BYTES), 'ab='.repeat(MAX_MATCHED_BYTES / 4)];
    const started = performance.now();
    for (const line of lines) pattern.test(line);
    // 60 ms on an idle machine; the usual engine needs longer than the universe is old.
    expect(performance.now() - started).toBeLessThan(2_000);
  },
);

test.each(['(.*){16}'.repeat(30), '.*'.repeat(120), 'a{1000}', '(?=a)', '(a)\\1', '(', '[', '(?!a)b'])(
  '%s is refused by name',
  (source) => {
    try {
      linearPattern(source);
    } catch (error) {
      expect(error).toBeInstanceOf(Rejected);
      expect((error as Rejected).details).toEqual({ field: 'regex' });
      return;
    }
    throw new Error('it was accepted');
  },
);

test('it finds what the usual engine finds', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '\\d',
    '(a|b)',
    '(?:ab)',
    'a*',
    'b+',
    'a?',
    '(ab)*',
    'a{2}',
    '^',
    '$',
    '\\b',
  );
  fc.assert(
    fc.property(
      fc.array(atom, { minLength: 1, maxLength: 6 }),
      fc.array(fc.string({ unit: fc.constantFrom(...'ab1 '), maxLength: 12 }), { minLength: 4, maxLength: 4 }),
      (atoms, lines) => {
        const source = atoms.join('');
        const [linear, usual] = [linearPattern(source), new RegExp(source)];
        for (const line of lines) expect([source, line, linear.test(line)]).toEqual([source, line, usual.test(line)]);
      },
    ),
    { numRuns: 300 },
  );
});
