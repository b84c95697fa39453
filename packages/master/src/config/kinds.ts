/** How values are written, and what comes out: amounts in the units that the code counts in. */
import { homedir } from 'node:os';
import path from 'node:path';
import { parseCpu, parseDurationMs, parseMemory, type Quantity } from '@cloudai/engine';
import type { Setting } from './settings.ts';

export type Kind =
  | 'text'
  | 'path'
  | 'host'
  | 'port'
  | 'integer'
  | 'boolean'
  | 'choice'
  | 'duration'
  | 'bytes'
  | 'cpu'
  | 'list'
  | 'map'
  | 'counts';

/** What the reader of each kind makes. */
export interface KindValues {
  readonly text: string;
  /** Absolute. */
  readonly path: string;
  readonly host: string;
  readonly port: number;
  readonly integer: number;
  readonly boolean: boolean;
  readonly choice: string;
  /** ms */
  readonly duration: number;
  readonly bytes: number;
  /** Thousandths. */
  readonly cpu: number;
  readonly list: readonly string[];
  readonly map: Readonly<Record<string, string>>;
  readonly counts: Readonly<Record<string, number>>;
}

export const KIND_NAMES: Readonly<Record<Kind, string>> = {
  text: 'text',
  path: 'path',
  host: 'address',
  port: 'port',
  integer: 'whole number',
  boolean: 'true or false',
  choice: 'one of the words',
  duration: 'time',
  bytes: 'bytes',
  cpu: 'CPU',
  list: 'list',
  map: 'key=value list',
  counts: 'name=number list',
};

export type Read = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string };

export interface ReadContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to. */
  readonly directory: string;
}

/** `input` is text from the environment or a flag, or whatever stood in the file. */
export function readValue(setting: Setting, input: unknown, context: ReadContext): Read {
  if (setting.never === true && input === 'never') return value(null);
  switch (setting.kind) {
    case 'text':
      return typeof input === 'string' && input !== '' ? value(input) : problem('expected text', input);
    case 'path':
      return typeof input === 'string' && input !== ''
        ? value(readPath(input, context))
        : problem('expected a path', input);
    case 'host':
      return typeof input === 'string' && /^[A-Za-z0-9.:_-]+$/.test(input)
        ? value(input)
        : problem('expected an address such as 127.0.0.1, without a port', input);
    case 'port':
      return whole(input, 0, 65_535, 'expected a port from 0 to 65535');
    case 'integer': {
      const { least = 0, most = Number.MAX_SAFE_INTEGER } = setting;
      return whole(input, least, most, `expected a whole number from ${least} to ${most}`);
    }
    case 'boolean':
      if (input === true || input === 'true') return value(true);
      return input === false || input === 'false' ? value(false) : problem('expected true or false', input);
    case 'choice':
      return setting.choices?.some((word) => word === input) === true
        ? value(input)
        : problem(`expected one of ${setting.choices?.join(', ')}`, input);
    case 'duration':
      return amount(parseDurationMs(input, { zero: (setting.least ?? 1) === 0 }), setting, 'ms');
    case 'bytes':
      return amount(parseMemory(input, { zero: (setting.least ?? 1) === 0 }), setting, 'bytes');
    case 'cpu':
      return amount(parseCpu(input), setting, 'thousandths');
    case 'list':
      return readList(input);
    case 'map':
      return readMap(input);
    case 'counts':
      return readCounts(input);
  }
}

function whole(input: unknown, least: number, most: number, expected: string): Read {
  const number = typeof input === 'string' && /^\d{1,16}$/.test(input) ? Number(input) : input;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= least && number <= most
    ? value(number)
    : problem(expected, input);
}

function amount(quantity: Quantity, { least, most }: Setting, unit: string): Read {
  if (!quantity.ok) return { ok: false, problem: quantity.message };
  if (least !== undefined && quantity.value < least)
    return { ok: false, problem: `expected at least ${least} ${unit}, found ${quantity.value}` };
  if (most !== undefined && quantity.value > most)
    return { ok: false, problem: `expected at most ${most} ${unit}, found ${quantity.value}` };
  return value(quantity.value);
}

function readPath(input: string, { env, directory }: ReadContext): string {
  const home = env.HOME ?? homedir();
  const state = env.XDG_STATE_HOME ?? path.join(home, '.local', 'state');
  const expanded = input.replace(/^\$XDG_STATE_HOME(?=\/|$)/, () => state).replace(/^~(?=\/|$)/, () => home);
  return path.resolve(directory, expanded);
}

function readList(input: unknown): Read {
  const items = typeof input === 'string' ? input.split(',') : input;
  if (!Array.isArray(items) || items.some((item) => typeof item !== 'string'))
    return problem('expected a list of texts', input);
  return value(items.map((item: string) => item.trim()).filter((item) => item !== ''));
}

function readMap(input: unknown): Read {
  if (typeof input === 'string') {
    const pairs = input
      .split(',')
      .map((pair) => pair.trim())
      .filter((pair) => pair !== '');
    if (pairs.some((pair) => pair.indexOf('=') < 1)) return problem('expected key=value pairs', input);
    return value(
      Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])),
    );
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return problem('expected key=value pairs', input);
  const entries = Object.entries(input);
  if (entries.some(([, text]) => !['string', 'number', 'boolean'].includes(typeof text)))
    return problem('expected key=value pairs', input);
  return value(Object.fromEntries(entries.map(([key, text]) => [key, String(text)])));
}

function readCounts(input: unknown): Read {
  const map = readMap(input);
  if (!map.ok) return map;
  const counts = Object.entries(map.value as Readonly<Record<string, string>>).map(
    ([name, text]) => [name, Number(text)] as const,
  );
  return counts.every(([, count]) => Number.isSafeInteger(count) && count >= 0)
    ? value(Object.fromEntries(counts))
    : problem('expected name=number pairs', input);
}

function value(read: unknown): Read {
  return { ok: true, value: read };
}

function problem(expected: string, input: unknown): Read {
  const text = typeof input === 'string' ? JSON.stringify(input) : Array.isArray(input) ? 'a list' : String(input);
  return { ok: false, problem: `${expected}, found ${text.length > 60 ? `${text.slice(0, 60)}...` : text}` };
}
