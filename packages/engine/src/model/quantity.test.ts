import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytesQuantity,
  durationQuantity,
  formatBytes,
  formatCpu,
  formatGpu,
  formatPair,
  parseCount,
  parseCpu,
  parseDurationMs,
  parseGpu,
  parseMemory,
  parseStorage,
  type Quantity,
  thousandthsQuantity,
} from './quantity.ts';

const MI = 2 ** 20;
const GI = 2 ** 30;
const MAX = Number.MAX_SAFE_INTEGER;

function value(quantity: Quantity): number {
  if (!quantity.ok) throw new Error(quantity.message);
  return quantity.value;
}

function refusal(quantity: Quantity): { code: string; message: string } {
  if (quantity.ok) throw new Error(`read as ${quantity.value}`);
  return { code: quantity.code, message: quantity.message };
}

describe('CPU', () => {
  test.each([
    ['500m', 500],
    ['0.5', 500],
    ['.5', 500],
    ['2', 2000],
    ['2.0', 2000],
    ['1.5', 1500],
    [' 4 ', 4000],
    ['1e1', 10_000],
    ['250e-3', 250],
    [2, 2000],
    [0.1, 100],
    [0.1 + 0.2, 300],
    [1.1 + 2.2, 3300],
  ])('reads %j as %d millicores', (input, millis) => {
    expect(value(parseCpu(input))).toBe(millis);
  });

  test('rounds what is finer than a millicore up, never to nothing', () => {
    expect(value(parseCpu('0.0001'))).toBe(1);
    expect(value(parseCpu('1.0001'))).toBe(1001);
    expect(value(parseCpu('0.1m'))).toBe(1);
    expect(value(parseCpu('1e-999999999'))).toBe(1);
    expect(value(parseCpu(Number.MIN_VALUE))).toBe(1);
  });

  test('accepts zero only where it is asked to', () => {
    expect(refusal(parseCpu('0'))).toEqual({ code: 'zero', message: 'CPU must be positive, got: 0' });
    expect(refusal(parseCpu(-0)).code).toBe('zero');
    expect(value(parseCpu('0', { zero: true }))).toBe(0);
  });
});

describe('memory and storage', () => {
  test.each([
    ['512Mi', 512 * MI],
    ['2Gi', 2 * GI],
    ['2G', 2_000_000_000],
    ['1.5Gi', 1536 * MI],
    ['1.5Mi', 1_572_864],
    ['1Ki', 1024],
    ['1k', 1000],
    ['3T', 3e12],
    ['1Pi', 2 ** 50],
    ['0.001E', 1e15],
    ['4', 4 * GI],
    [4, 4 * GI],
    [0.5, GI / 2],
    ['0.1Gi', 107_374_183],
  ])('reads %j as %d bytes', (input, bytes) => {
    expect(value(parseMemory(input))).toBe(bytes);
    expect(value(parseStorage(input))).toBe(bytes);
  });

  test('storage may be nothing, memory may not', () => {
    expect(value(parseStorage(0))).toBe(0);
    expect(refusal(parseMemory(0)).message).toBe('Memory must be positive, got: 0');
  });

  test('an unknown unit is named, with the unit that was probably meant', () => {
    expect(refusal(parseMemory('5QiB'))).toEqual({
      code: 'unknown_unit',
      message:
        'Invalid memory format: 5QiB: unknown unit QiB, write a number with Ki, Mi, Gi, k, M or G such as 512Mi or 2Gi, or a bare number of GiB',
    });
    expect(refusal(parseMemory('2GB')).message).toBe(
      'Invalid memory format: 2GB: unknown unit GB, did you mean Gi or G?',
    );
    expect(refusal(parseMemory('2gib')).message).toContain('did you mean Gi?');
    expect(refusal(parseMemory('128m')).message).toContain('did you mean Mi or M?');
    expect(refusal(parseCpu('2Gi')).code).toBe('unknown_unit');
  });

  test('more than can be counted exactly is refused', () => {
    expect(value(parseMemory('8191Ti'))).toBe(8191 * 2 ** 40);
    expect(refusal(parseMemory('8192Ti'))).toEqual({
      code: 'too_large',
      message: 'Memory request 8192Ti exceeds what can be counted: ask for less',
    });
    expect(refusal(parseMemory('1E')).code).toBe('too_large');
  });
});

describe('GPU and counts', () => {
  test.each([
    ['1', 1000],
    ['0.5', 500],
    ['250m', 250],
    [0, 0],
    [4, 4000],
  ])('reads %j as %d thousandths of a GPU', (input, millis) => {
    expect(value(parseGpu(input))).toBe(millis);
  });

  test('custom resources are whole numbers', () => {
    expect(value(parseCount('2', 'licence-matlab'))).toBe(2);
    expect(value(parseCount(MAX, 'licence-matlab'))).toBe(MAX);
    expect(value(parseCount('2.0', 'licence-matlab'))).toBe(2);
    expect(refusal(parseCount('1.5', 'licence-matlab'))).toEqual({
      code: 'fraction',
      message: 'Invalid licence-matlab format: 1.5: write a whole number such as 2',
    });
    expect(refusal(parseCount(-1, 'licence-matlab')).message).toBe('licence-matlab must not be negative, got: -1');
  });
});

describe('durations', () => {
  test.each([
    ['90s', 90_000],
    ['10m', 600_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['2d', 172_800_000],
    ['1.5h', 5_400_000],
    ['1m0.5s', 60_500],
    ['30', 30_000],
    [0.25, 250],
    ['0.0001s', 1],
  ])('reads %j as %d ms', (input, ms) => {
    expect(value(parseDurationMs(input))).toBe(ms);
  });

  test.each(['', 'm', '1x', '30m1h', '1s1s', '1h 30m', '1h-30m', 'PT1H', null, {}])('refuses %j', (input) => {
    expect(refusal(parseDurationMs(input)).code).toBe('malformed');
  });

  test('zero and negative times are refused unless zero makes sense', () => {
    expect(refusal(parseDurationMs('0s')).message).toBe('Duration must be positive, got: 0s');
    expect(value(parseDurationMs('0s', { zero: true }))).toBe(0);
    expect(refusal(parseDurationMs(-5)).code).toBe('negative');
    expect(refusal(parseDurationMs('9999999999999d')).code).toBe('too_large');
  });
});

describe('what an older interface accepted', () => {
  test('A2-2: resource limits of a lab, with Gi and G kept apart', () => {
    expect(value(parseCpu('2.5'))).toBe(2500);
    expect(value(parseMemory('2Gi'))).toBe(2048 * MI);
    expect(value(parseMemory('512Mi'))).toBe(512 * MI);
    expect(value(parseMemory('2G'))).toBeLessThan(value(parseMemory('2Gi')));
    expect(value(parseMemory('512M'))).toBe(512_000_000);
  });

  test('A4-1: a CPU limit of 2.0 is 2 000 000 000 nanocores', () => {
    expect(value(parseCpu('2.0')) * 1e6).toBe(2_000_000_000);
    expect(value(parseCpu(2.0)) * 1e6).toBe(2_000_000_000);
  });

  test('A4-2: a memory limit of 4.0 is 4 294 967 296 bytes', () => {
    expect(value(parseMemory('4.0'))).toBe(4_294_967_296);
    expect(value(parseMemory(4.0))).toBe(4_294_967_296);
  });

  test('D-19: fractions of a unit are exact, and Ki and T are read as well', () => {
    expect(value(parseMemory('1.5Gi'))).toBe(1536 * MI);
    expect(value(parseMemory('1.5Mi'))).toBe(1536 * 1024);
    expect(value(parseMemory('2048Ki'))).toBe(2 * MI);
    expect(value(parseMemory('1T'))).toBe(1e12);
    expect(refusal(parseMemory('1gi')).message).toContain('did you mean Gi?');
  });

  test('D-20: the refusals start as they always did', () => {
    expect(refusal(parseCpu('two')).message).toMatch(/^Invalid CPU format: two: write cores/);
    expect(refusal(parseCpu('-1')).message).toBe('CPU must be positive, got: -1');
    expect(refusal(parseMemory('much')).message).toMatch(/^Invalid memory format: much: /);
    expect(refusal(parseMemory('-1Gi')).message).toBe('Memory must be positive, got: -1Gi');
    expect(refusal(parseCpu('1e308')).message).toBe('CPU request 1e308 exceeds what can be counted: ask for less');
  });

  test('D-22: the pairs that all have to parse', () => {
    const pairs = [
      ['.5', '512Mi'],
      ['1.5', '1.5Gi'],
      ['2', '1024Mi'],
      ['1', '2G'],
    ] as const;
    const read = pairs.map(([cpu, memory]) => [value(parseCpu(cpu)), value(parseMemory(memory))]);
    expect(read).toEqual([
      [500, 512 * MI],
      [1500, 1536 * MI],
      [2000, 1024 * MI],
      [1000, 2_000_000_000],
    ]);
  });

  test('E-53: what is no number is an error like any other', () => {
    const bad = ['NaN', 'nan', 'Infinity', '-inf', '1e309', NaN, Infinity, -Infinity, null, undefined, {}, [], true];
    for (const input of bad) {
      expect(parseCpu(input).ok, String(input)).toBe(false);
      expect(parseMemory(input).ok, String(input)).toBe(false);
      expect(parseGpu(input).ok, String(input)).toBe(false);
      expect(parseDurationMs(input).ok, String(input)).toBe(false);
    }
    expect(refusal(parseCpu('1e309')).code).toBe('too_large');
  });

  test('E-54: sums of what was parsed do not drift', () => {
    let sum = 0;
    for (let i = 0; i < 10; i++) sum += value(parseCpu('0.1'));
    expect(sum).toBe(value(parseCpu('1')));
  });
});

describe('as text', () => {
  test('A0-7: two decimals, GB for memory', () => {
    expect(formatCpu(2000)).toBe('2.00');
    expect(formatCpu(1005)).toBe('1.01');
    expect(formatCpu(0)).toBe('0.00');
    expect(formatGpu(500)).toBe('0.50');
    expect(formatBytes(4 * GI)).toBe('4.00 GB');
    expect(formatBytes(1536 * MI)).toBe('1.50 GB');
  });

  test('two amounts that differ look different', () => {
    expect(formatPair(2000, 3000, 'thousandths')).toEqual(['2.00', '3.00']);
    expect(formatPair(1999, 2001, 'thousandths')).toEqual(['1.999', '2.001']);
    expect(formatPair(4 * GI, 4 * GI + 1, 'bytes')).toEqual(['4.000000000 GB', '4.000000001 GB']);
    expect(formatPair(2000, 2000, 'thousandths')).toEqual(['2.00', '2.00']);
  });

  test('short forms', () => {
    expect([2000, 1500, 25, 100, 0].map(thousandthsQuantity)).toEqual(['2', '1.5', '25m', '0.1', '0']);
    expect([512 * MI, 1536 * MI, 2 * GI, 2 ** 50, 1, 0].map(bytesQuantity)).toEqual([
      '512Mi',
      '1536Mi',
      '2Gi',
      '1Pi',
      '0.0009765625Ki',
      '0Ki',
    ]);
    expect([0, 500, 90_000, 5_400_000, 90_061_001].map(durationQuantity)).toEqual([
      '0s',
      '500ms',
      '1m30s',
      '1h30m',
      '1d1h1m1s1ms',
    ]);
  });

  const amount = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(),
    fc.nat(5000).map((n) => n * MI),
  );

  test('what is written is read back exactly', () => {
    fc.assert(
      fc.property(amount, (n) => {
        expect(value(parseCpu(thousandthsQuantity(n), { zero: true }))).toBe(n);
        expect(value(parseGpu(thousandthsQuantity(n)))).toBe(n);
        expect(value(parseMemory(bytesQuantity(n), { zero: true }))).toBe(n);
        expect(value(parseStorage(bytesQuantity(n)))).toBe(n);
        expect(value(parseDurationMs(durationQuantity(n), { zero: true }))).toBe(n);
        expect(value(parseCount(String(n), 'x'))).toBe(n);
      }),
    );
  });
});

describe('any input', () => {
  const parsers = [parseCpu, parseMemory, parseStorage, parseGpu, parseDurationMs, (x: unknown) => parseCount(x, 'x')];
  const nearlyValid = fc
    .tuple(
      fc.constantFrom('', '+', '-', ' '),
      fc.oneof(fc.nat().map(String), fc.double().map(String), fc.stringMatching(/^[0-9.]{0,30}$/)),
      fc.constantFrom('', 'e9', 'E-400', 'e400', 'e99999999999'),
      fc.constantFrom('', 'm', 'Ki', 'Gi', 'G', 'E', 'Ei', 's', 'h30m', 'ms', 'QiB', '\u0000'),
    )
    .map((parts) => parts.join(''));

  test('never throws, and answers a whole number or one printable line', () => {
    fc.assert(
      fc.property(fc.oneof(nearlyValid, fc.string(), fc.double(), fc.anything()), (input) => {
        for (const parse of parsers) {
          const read = parse(input);
          if (read.ok) expect(Number.isSafeInteger(read.value) && read.value >= 0).toBe(true);
          else expect(read.message).toMatch(/^[\x20-\x7e]{1,300}$/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('a positive amount is never read as nothing, and never as less than asked', () => {
    const decimal = fc.tuple(fc.nat(1_000_000), fc.nat(12));
    fc.assert(
      fc.property(decimal, ([digits, decimals]) => {
        const text = `${digits}e-${decimals}`;
        const millis = value(parseCpu(text, { zero: true }));
        const scaled = BigInt(millis) * 10n ** BigInt(decimals);
        const asked = BigInt(digits) * 1000n;
        expect(scaled >= asked && scaled - asked < 10n ** BigInt(decimals)).toBe(true);
      }),
    );
  });
});
