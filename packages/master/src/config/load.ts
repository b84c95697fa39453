/**
 * The configuration of a process: defaults < file < `CLOUDAI_*` environment < flags. Everything is read before the
 * process begins, and every mistake is told at once, with the place where it stands.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { nearest } from '../nearest.ts';
import { type Kind, type KindValues, type ReadContext, readValue } from './kinds.ts';
import { MASTER_SETTINGS, type Setting, WORKER_SETTINGS } from './settings.ts';

type Settings = Readonly<Record<string, Setting>>;

/** Values by the names of the table; null where there is neither a value nor a default. */
export type Values<Table extends Settings> = {
  readonly [Name in keyof Table]: Table[Name] extends { kind: infer K extends Kind }
    ? Table[Name] extends { choices: readonly (infer Word)[] }
      ? Word
      : Table[Name] extends { never: true } | { default: null }
        ? KindValues[K] | null
        : KindValues[K]
    : never;
};

export type MasterValues = Values<typeof MASTER_SETTINGS>;
export type WorkerValues = Values<typeof WORKER_SETTINGS>;

export interface Loaded<V> {
  readonly values: V;
  /** Where each value comes from: `default`, `file <path>`, `env <name>` or `flag`. */
  readonly sources: Readonly<Record<keyof V & string, string>>;
}

export interface LoadOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** By the names of the table. Undefined: not given. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** `--config`: has to exist. Without it, or `CLOUDAI_CONFIG`: `config.yaml` in the data directory, if there is one. */
  readonly file?: string;
  /** Directory that relative paths of flags and environment are relative to. */
  readonly directory?: string;
}

/** What is wrong with the configuration: all of it, one line each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the configuration is not valid:\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export function loadMasterConfig(options: LoadOptions = {}): Promise<Loaded<MasterValues>> {
  return load(MASTER_SETTINGS, 'data', options);
}

export function loadWorkerConfig(options: LoadOptions = {}): Promise<Loaded<WorkerValues>> {
  return load(WORKER_SETTINGS, 'worker.data', options);
}

/** `rest.port` → `CLOUDAI_REST_PORT`; `worker.logLevel` → `CLOUDAI_WORKER_LOG_LEVEL`. */
export function envName(key: string): string {
  return `CLOUDAI_${key.replaceAll('.', '_').replace(/[A-Z]/g, '_$&').toUpperCase()}`;
}

const KNOWN: Settings = { ...MASTER_SETTINGS, ...WORKER_SETTINGS };
/** `rest`, `liveness` ...: what the file nests. */
const GROUPS = [
  ...new Set(Object.keys(KNOWN).flatMap((key) => (key.includes('.') ? [key.slice(0, key.indexOf('.'))] : []))),
];
/** Variables with our prefix that are no settings: of the client, and of tasks that run in the cluster. */
const OTHER_ENV = [
  'CLOUDAI_CONFIG',
  'CLOUDAI_URL',
  'CLOUDAI_TOKEN',
  'CLOUDAI_NAMESPACE',
  'CLOUDAI_CONTEXT',
  'CLOUDAI_CA',
];

interface Given {
  readonly input: unknown;
  readonly source: string;
  readonly directory: string;
}

async function load<Table extends Settings>(
  table: Table,
  dataKey: string,
  options: LoadOptions,
): Promise<Loaded<Values<Table>>> {
  const { env = process.env, flags = {}, directory = process.cwd() } = options;
  const problems: string[] = [];
  const given = new Map<string, Given>();
  const outside = [...fromEnv(env, directory, problems), ...fromFlags(flags, directory, problems)];
  // The data directory says where the file is, so the file can not say where the data directory is.
  const data = readGiven(table, dataKey, outside.findLast(([key]) => key === dataKey)?.[1], { env, directory });
  const file = options.file ?? env.CLOUDAI_CONFIG ?? null;
  if (data.ok) {
    const place = file === null ? path.join(String(data.value), 'config.yaml') : path.resolve(directory, file);
    for (const [key, value] of await fromFile(place, file !== null, dataKey, problems)) given.set(key, value);
  }
  for (const [key, value] of outside) given.set(key, value);

  const values: Record<string, unknown> = {};
  const sources: Record<string, string> = {};
  for (const key of Object.keys(table)) {
    const value = given.get(key);
    const read = readGiven(table, key, value, { env, directory });
    if (read.ok) values[key] = read.value;
    else problems.push(`${key} (${value?.source ?? 'default'}): ${read.problem}`);
    sources[key] = value?.source ?? 'default';
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { values: values as Values<Table>, sources: sources as Loaded<Values<Table>>['sources'] };
}

function readGiven(table: Settings, key: string, given: Given | undefined, { env, directory }: ReadContext) {
  const setting = table[key]!;
  if (given === undefined && setting.default === null) return { ok: true, value: null } as const;
  return readValue(setting, given?.input ?? setting.default, { env, directory: given?.directory ?? directory });
}

function fromFlags(flags: Readonly<Record<string, unknown>>, directory: string, problems: string[]): [string, Given][] {
  return Object.entries(flags).flatMap(([key, input]): [string, Given][] => {
    if (input === undefined) return [];
    if (Object.hasOwn(KNOWN, key)) return [[key, { input, source: 'flag', directory }]];
    problems.push(`flag ${key}: ${unknown(key)}`);
    return [];
  });
}

/**
 * Unknown names are left alone unless they are nearly one of ours: others put variables with our prefix there too
 * (Kubernetes does so for a service called cloudai).
 */
function fromEnv(env: LoadOptions['env'] & object, directory: string, problems: string[]): [string, Given][] {
  const names = new Map(Object.keys(KNOWN).map((key) => [envName(key), key]));
  return Object.entries(env).flatMap(([name, input]): [string, Given][] => {
    if (!name.startsWith('CLOUDAI_') || input === undefined || input === '') return [];
    const key = names.get(name);
    if (key !== undefined) return [[key, { input, source: `env ${name}`, directory }]];
    const near = OTHER_ENV.includes(name) ? null : nearest(name, [...names.keys()], 2);
    if (near !== null) problems.push(`env ${name}: there is no such setting; did you mean ${near}?`);
    return [];
  });
}

async function fromFile(
  place: string,
  required: boolean,
  dataKey: string,
  problems: string[],
): Promise<[string, Given][]> {
  let text: string;
  try {
    text = await readFile(place, 'utf8');
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    problems.push(`${place}: can not be read: ${(error as Error).message}`);
    return [];
  }
  const source = `file ${place}`;
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { uniqueKeys: true });
  if (document.errors.length > 0) {
    problems.push(...document.errors.map(({ message }) => `${source}: ${message.split('\n')[0]}`));
    return [];
  }
  // Aliases are expanded once and no more, so that a small file stays small.
  const root: unknown = document.toJS({ maxAliasCount: 100 });
  if (root === null || root === undefined) return [];
  return flatten(root, '', source, path.dirname(place), problems).filter(([key]) => {
    if (key === dataKey)
      problems.push(
        `${source}: ${key} can not be set here, because this file is looked for in it; use a flag or ${envName(key)}`,
      );
    return key !== dataKey;
  });
}

/** Nested objects become dotted names, down to the names of the table. */
function flatten(
  node: unknown,
  prefix: string,
  source: string,
  directory: string,
  problems: string[],
): [string, Given][] {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) {
    problems.push(
      `${source}: ${prefix === '' ? 'expected settings by name' : `${prefix} is a group of settings, not a value`}`,
    );
    return [];
  }
  return Object.entries(node).flatMap(([name, value]): [string, Given][] => {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    if (Object.hasOwn(KNOWN, key)) return value === null ? [] : [[key, { input: value, source, directory }]];
    if (Object.keys(KNOWN).some((known) => known.startsWith(`${key}.`)))
      return flatten(value, key, source, directory, problems);
    problems.push(`${source}: ${key}: ${unknown(key)}`);
    return [];
  });
}

function unknown(key: string): string {
  const near = nearest(key, [...Object.keys(KNOWN), ...GROUPS]);
  return near === null ? 'there is no such setting' : `there is no such setting; did you mean ${near}?`;
}
