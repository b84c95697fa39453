/**
 * Amounts as people write them. Text is parsed here once, at the edge, into the integers of `Resources`; everything
 * behind counts in those. Decimal arithmetic is exact: what is finer than the smallest unit is rounded up, so that a
 * positive request never becomes 0 and nobody gets less than asked for.
 */

export type QuantityErrorCode = 'malformed' | 'unknown_unit' | 'negative' | 'zero' | 'fraction' | 'too_large';

export type Quantity =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly code: QuantityErrorCode; readonly message: string };

export interface QuantityOptions {
  /** Whether 0 is an answer. Each parser says its default. */
  readonly zero?: boolean;
}

/** Cores (`2`, `0.5`) or millicores (`500m`) → millicores. 0 is refused unless allowed. */
export function parseCpu(input: unknown, options: QuantityOptions = {}): Quantity {
  return parseAmount(input, CPU, options.zero ?? false);
}

/** `512Mi`, `1.5Gi`, `2G` (= 2·10⁹); a bare number counts GiB → bytes. 0 is refused unless allowed. */
export function parseMemory(input: unknown, options: QuantityOptions = {}): Quantity {
  return parseAmount(input, MEMORY, options.zero ?? false);
}

/** Written as memory is → bytes. 0 is allowed unless refused. */
export function parseStorage(input: unknown, options: QuantityOptions = {}): Quantity {
  return parseAmount(input, STORAGE, options.zero ?? true);
}

/** Devices (`1`, `0.5`) or thousandths (`250m`) → thousandths. 0 is allowed unless refused. See also `gpuProblem`. */
export function parseGpu(input: unknown, options: QuantityOptions = {}): Quantity {
  return parseAmount(input, GPU, options.zero ?? true);
}

/** A whole number of the custom resource `name`. 0 is allowed unless refused. */
export function parseCount(input: unknown, name: string, options: QuantityOptions = {}): Quantity {
  const kind: Kind = { ...COUNT, name: show(name), title: show(name) };
  return parseAmount(input, kind, options.zero ?? true);
}

/** `500ms`, `90s`, `10m`, `1h30m`, `2d`; a bare number counts seconds → milliseconds. 0 is refused unless allowed. */
export function parseDurationMs(input: unknown, options: QuantityOptions = {}): Quantity {
  const text = textOf(input);
  if (text === null) return malformed(input, DURATION);
  const bare = readDecimal(text);
  if (bare !== null && bare.unit === '') return settle(input, bare, 1000n, DURATION, options.zero ?? false);
  const match = DURATION_PATTERN.exec(text);
  if (match === null || text === '') return malformed(input, DURATION);
  // The parts become one sum of decimals, rounded up once.
  let sum: Decimal = { negative: false, digits: 0n, exponent: 0, unit: '' };
  for (const [part, millis] of DURATION_UNITS.entries()) {
    const written = match[part + 1];
    if (written !== undefined) sum = plus(sum, readDecimal(written)!, millis);
  }
  return settle(input, sum, 1n, DURATION, options.zero ?? false);
}

/** Cores with two decimals: 2000 → `2.00`. */
export function formatCpu(millis: number): string {
  return fixedThousandths(millis, 2);
}

/** Devices with two decimals: 500 → `0.50`. */
export function formatGpu(millis: number): string {
  return fixedThousandths(millis, 2);
}

/** GiB with two decimals, under the name the displays use: 2³² → `4.00 GB`. */
export function formatBytes(bytes: number): string {
  return `${fixedGib(bytes, 2)} GB`;
}

/** The shortest text that `parseCpu` and `parseGpu` read back exactly: 2000 → `2`, 1500 → `1.5`, 25 → `25m`. */
export function thousandthsQuantity(millis: number): string {
  return millis % 100 === 0 ? stripZeros(fixedThousandths(millis, 1)) : `${millis}m`;
}

/** Text that `parseMemory` and `parseStorage` read back exactly: 2²⁹ → `512Mi`, 1.5·2³⁰ → `1536Mi`, 1 → `0.0009765625Ki`. */
export function bytesQuantity(bytes: number): string {
  let unit = 1;
  let amount = bytes / 1024;
  while (unit < BINARY_PREFIXES.length && amount !== 0 && amount % 1024 === 0) {
    amount /= 1024;
    unit++;
  }
  // Division by 1024 is exact in a double, and ten decimals are all that it can need.
  return `${stripZeros(amount.toFixed(10))}${BINARY_PREFIXES[unit - 1]}i`;
}

/** Text that `parseDurationMs` reads back exactly: 5 400 000 → `1h30m`, 0 → `0s`. */
export function durationQuantity(ms: number): string {
  let text = '';
  let left = ms;
  for (const [part, unit] of DURATION_UNITS.entries()) {
    const count = Math.floor(left / Number(unit));
    if (count > 0) text += `${count}${DURATION_NAMES[part]}`;
    left -= count * Number(unit);
  }
  return text === '' ? '0s' : text;
}

/**
 * Two amounts for one sentence, with as many decimals as it takes to see that they differ: `has 2.00 available,
 * requires 2.00` would explain nothing.
 */
export function formatPair(a: number, b: number, kind: 'thousandths' | 'bytes'): [string, string] {
  const format = kind === 'thousandths' ? fixedThousandths : fixedGib;
  const most = kind === 'thousandths' ? 3 : GIB_DECIMALS;
  let decimals = 2;
  while (a !== b && decimals < most && format(a, decimals) === format(b, decimals)) decimals++;
  const suffix = kind === 'bytes' ? ' GB' : '';
  return [format(a, decimals) + suffix, format(b, decimals) + suffix];
}

// --- the grammar -------------------------------------------------------------------------------------------------

interface Kind {
  /** As it stands inside a message, and at its start. */
  readonly name: string;
  readonly title: string;
  /** Smallest units in one of each written unit; `''` is the bare number. */
  readonly units: ReadonlyMap<string, bigint>;
  readonly example: string;
  /** Fractions of the smallest unit are an error instead of being rounded up. */
  readonly whole: boolean;
}

const BINARY_PREFIXES = ['K', 'M', 'G', 'T', 'P', 'E'];
const DECIMAL_PREFIXES = ['k', 'M', 'G', 'T', 'P', 'E'];
const GIB = 1n << 30n;
/** 2⁻³⁰ GiB, one byte, shows at the tenth decimal. */
const GIB_DECIMALS = 10;

const BYTE_UNITS: ReadonlyMap<string, bigint> = new Map([
  ['', GIB],
  ...BINARY_PREFIXES.map((prefix, power): [string, bigint] => [`${prefix}i`, 1024n ** BigInt(power + 1)]),
  ...DECIMAL_PREFIXES.map((prefix, power): [string, bigint] => [prefix, 1000n ** BigInt(power + 1)]),
]);
const THOUSANDTH_UNITS: ReadonlyMap<string, bigint> = new Map([
  ['', 1000n],
  ['m', 1n],
]);
const BYTE_EXAMPLE = 'a number with Ki, Mi, Gi, k, M or G such as 512Mi or 2Gi, or a bare number of GiB';

const CPU: Kind = {
  name: 'CPU',
  title: 'CPU',
  units: THOUSANDTH_UNITS,
  whole: false,
  example: 'cores such as 0.5 or 2, or millicores such as 500m',
};
const MEMORY: Kind = { name: 'memory', title: 'Memory', units: BYTE_UNITS, whole: false, example: BYTE_EXAMPLE };
const STORAGE: Kind = { name: 'storage', title: 'Storage', units: BYTE_UNITS, whole: false, example: BYTE_EXAMPLE };
const GPU: Kind = {
  name: 'GPU',
  title: 'GPU',
  units: THOUSANDTH_UNITS,
  whole: false,
  example: 'devices such as 1, or a share such as 0.5 or 250m',
};
const COUNT: Kind = {
  name: 'count',
  title: 'Count',
  units: new Map([['', 1n]]),
  whole: true,
  example: 'a whole number such as 2',
};
const DURATION: Kind = {
  name: 'duration',
  title: 'Duration',
  units: new Map(),
  whole: false,
  example: 'a time such as 500ms, 90s, 10m or 1h30m, or a bare number of seconds',
};

const DURATION_UNITS = [86_400_000n, 3_600_000n, 60_000n, 1000n, 1n];
const DURATION_NAMES = ['d', 'h', 'm', 's', 'ms'];
const PART = '(\\d+(?:\\.\\d*)?|\\.\\d+)';
const DURATION_PATTERN = new RegExp(`^\\+?${DURATION_NAMES.map((unit) => `(?:${PART}${unit})?`).join('')}$`);

/** No sensible amount is longer; the bound keeps the big integers small. */
const MAX_TEXT = 64;
/** Beyond this power of ten an amount is too large, or rounds up to one smallest unit, whatever its digits say. */
const MAX_EXPONENT = 400;
const DECIMAL_PATTERN = /^([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:[eE]([+-]?\d+))?([A-Za-z]*)$/;

/** ± digits · 10^exponent, with the unit as written. */
interface Decimal {
  readonly negative: boolean;
  readonly digits: bigint;
  readonly exponent: number;
  readonly unit: string;
}

function parseAmount(input: unknown, kind: Kind, zero: boolean): Quantity {
  const text = textOf(input);
  const decimal = text === null ? null : readDecimal(text);
  if (decimal === null) return malformed(input, kind);
  const factor = kind.units.get(decimal.unit);
  if (factor === undefined) return unknownUnit(input, decimal.unit, kind);
  return settle(input, decimal, factor, kind, zero);
}

/** The decimal text of the input, or null if there is none. */
function textOf(input: unknown): string | null {
  if (typeof input === 'string') return input.length > MAX_TEXT ? null : input.trim();
  if (typeof input === 'bigint') return input.toString().length > MAX_TEXT ? null : input.toString();
  if (typeof input !== 'number' || !Number.isFinite(input)) return null;
  // A double holds any decimal of 15 digits; what follows is the noise of sums such as 0.1 + 0.2.
  return Number.isSafeInteger(input) ? String(input) : input.toPrecision(15);
}

function readDecimal(text: string): Decimal | null {
  const match = DECIMAL_PATTERN.exec(text);
  if (match === null) return null;
  const [, sign, whole = '', fraction = '', bareFraction = '', power = '0', unit = ''] = match;
  const decimals = fraction + bareFraction;
  const exponent =
    Math.max(-MAX_TEXT - MAX_EXPONENT, Math.min(MAX_EXPONENT + MAX_TEXT, Number(power))) - decimals.length;
  return { negative: sign === '-', digits: BigInt(whole + decimals), exponent, unit };
}

/** a + b·factor, for decimals that are not negative. */
function plus(a: Decimal, b: Decimal, factor: bigint): Decimal {
  const exponent = Math.min(a.exponent, b.exponent);
  const raise = (decimal: Decimal) => decimal.digits * 10n ** BigInt(decimal.exponent - exponent);
  return { negative: false, digits: raise(a) + raise(b) * factor, exponent, unit: '' };
}

function settle(input: unknown, decimal: Decimal, factor: bigint, kind: Kind, zero: boolean): Quantity {
  if (decimal.digits === 0n) {
    if (zero) return { ok: true, value: 0 };
    return refuse('zero', `${kind.title} must be positive, got: ${show(input)}`);
  }
  if (decimal.negative) {
    const wanted = zero ? 'must not be negative' : 'must be positive';
    return refuse('negative', `${kind.title} ${wanted}, got: ${show(input)}`);
  }
  const units = decimal.digits * factor;
  let value: bigint;
  if (decimal.exponent >= 0) {
    value = units * 10n ** BigInt(decimal.exponent);
  } else {
    const divisor = 10n ** BigInt(-decimal.exponent);
    value = (units + divisor - 1n) / divisor;
    if (kind.whole && units % divisor !== 0n)
      return refuse('fraction', `Invalid ${kind.name} format: ${show(input)}: write ${kind.example}`);
  }
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    return refuse('too_large', `${kind.title} request ${show(input)} exceeds what can be counted: ask for less`);
  return { ok: true, value: Number(value) };
}

function malformed(input: unknown, kind: Kind): Quantity {
  return refuse('malformed', `Invalid ${kind.name} format: ${show(input)}: write ${kind.example}`);
}

function unknownUnit(input: unknown, unit: string, kind: Kind): Quantity {
  // `GB`, `gb` and `g` may have meant G or Gi, `GiB` and `gi` only Gi.
  const base = unit.toLowerCase().replace(/b$/, '');
  const meant = [...kind.units.keys()].filter(
    (known) => known !== '' && [base, `${base}i`].includes(known.toLowerCase()),
  );
  const hint = meant.length > 0 ? `did you mean ${meant.join(' or ')}?` : `write ${kind.example}`;
  return refuse('unknown_unit', `Invalid ${kind.name} format: ${show(input)}: unknown unit ${unit}, ${hint}`);
}

function refuse(code: QuantityErrorCode, message: string): Quantity {
  return { ok: false, code, message };
}

/** The input as one short printable line. */
function show(input: unknown): string {
  if (typeof input !== 'string') {
    const simple = typeof input === 'number' || typeof input === 'bigint' || typeof input === 'boolean';
    return simple || input === null || input === undefined ? String(input) : `a value of type ${typeof input}`;
  }
  const printable = input.replace(/[^\x20-\x7e]/g, '?');
  if (printable === '') return '(nothing)';
  return printable.length > 40 ? `${printable.slice(0, 40)}...` : printable;
}

/** Rounded half up, in integers: 1005 is not 1.00 here as it is with `toFixed`. */
function fixedThousandths(millis: number, decimals: number): string {
  const step = 10 ** (3 - decimals);
  const units = Math.round(Math.abs(millis) / step);
  const scale = 10 ** decimals;
  const text = `${Math.floor(units / scale)}.${String(units % scale).padStart(decimals, '0')}`;
  return millis < 0 && units > 0 ? `-${text}` : text;
}

/** A double divided by a power of two is exact, and `toFixed` rounds the exact value. */
function fixedGib(bytes: number, decimals: number): string {
  return (bytes / Number(GIB)).toFixed(decimals);
}

function stripZeros(decimal: string): string {
  return decimal.includes('.') ? decimal.replace(/\.?0+$/, '') : decimal;
}
