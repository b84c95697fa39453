/** What is wrong with a value, in one sentence, from what the validator found. */
import type { TSchema } from 'typebox';
import { nearest } from '../nearest.ts';

/** As the validator lists it. Paths are JSON pointers. */
export interface Finding {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: object;
  readonly message: string;
}

export interface Problem {
  /** Path of the field: `tasks[3].resources.cpu`; empty for the whole. */
  readonly field: string;
  readonly message: string;
}

const MAX_SHOWN = 60;

export function problemOf(schema: TSchema, value: unknown, findings: readonly Finding[]): Problem {
  if (typeof value !== 'object' || value === null)
    return { field: '', message: `The body has to be a JSON object, found ${kindOf(value)}` };
  const finding = choose(findings);
  if (finding === undefined) return { field: '', message: 'The request does not fit the schema of the operation' };
  const at = fieldOf(finding.instancePath);
  const found = valueAt(value, finding.instancePath);
  const node = nodeAt(schema, finding.schemaPath);
  switch (finding.keyword) {
    case 'required': {
      const [missing] = (finding.params as { requiredProperties: readonly string[] }).requiredProperties;
      return { field: join(at, missing ?? ''), message: 'is required' };
    }
    case 'additionalProperties': {
      const [extra = ''] = (finding.params as { additionalProperties: readonly string[] }).additionalProperties;
      const near = nearest(extra, Object.keys(isObject(node) && isObject(node.properties) ? node.properties : {}));
      const hint = near === null ? '' : `; did you mean ${near}?`;
      return { field: join(at, printable(extra)), message: `is not known here${hint}` };
    }
    case 'enum':
    case 'anyOf':
      return { field: at, message: `${variants(node)}, found ${show(found)}` };
    case 'type':
      return {
        field: at,
        message: `must be ${typeName(String((finding.params as { type: unknown }).type))}, found ${show(found)}`,
      };
    case 'pattern':
    case 'format':
      return { field: at, message: `${finding.message}, found ${show(found)}` };
    case 'minLength':
      return { field: at, message: typeof found === 'string' && found === '' ? 'must not be empty' : finding.message };
    default:
      return { field: at, message: finding.message };
  }
}

/** The finding that says most: an unknown name, else what is wrong inside the only variant that fits, else the first. */
function choose(findings: readonly Finding[]): Finding | undefined {
  const unknown = findings.find(({ keyword }) => keyword === 'additionalProperties');
  if (unknown !== undefined) return unknown;
  const first = findings[0];
  if (first === undefined || !first.schemaPath.includes('/anyOf/')) return first;
  const union = findings.find(
    ({ keyword, instancePath, schemaPath }) =>
      keyword === 'anyOf' && first.instancePath.startsWith(instancePath) && first.schemaPath.startsWith(schemaPath),
  );
  if (union === undefined) return first;
  const inside = findings.filter(({ schemaPath }) => schemaPath.startsWith(`${union.schemaPath}/anyOf/`));
  const deeper = inside.find(({ instancePath }) => instancePath.length > union.instancePath.length);
  return deeper ?? inside.find(({ keyword }) => keyword !== 'type' && keyword !== 'const') ?? union;
}

function variants(node: unknown): string {
  if (isObject(node) && Array.isArray(node.enum)) return `must be one of ${node.enum.join(', ')}`;
  const all = isObject(node) && Array.isArray(node.anyOf) ? (node.anyOf as readonly unknown[]).filter(isObject) : [];
  if (all.length === 0) return 'has to fit one of the variants in the documentation';
  const constants = all.filter((variant) => 'const' in variant);
  if (constants.length === all.length)
    return `must be one of ${constants.map((variant) => String(variant.const)).join(', ')}`;
  return `must be ${all.map((variant) => ('const' in variant ? String(variant.const) : typeName(String(variant.type)))).join(' or ')}`;
}

function typeName(type: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    array: 'a list',
    object: 'an object',
    boolean: 'true or false',
    null: 'null',
  };
  return names[type] ?? type;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeName(typeof value);
}

function show(value: unknown): string {
  if (typeof value === 'string') return value === '' ? 'an empty text' : printable(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return kindOf(value);
}

export function printable(text: string): string {
  const plain = text.replace(/[^\x20-\x7e]/g, '?');
  return plain.length > MAX_SHOWN ? `${plain.slice(0, MAX_SHOWN)}...` : plain;
}

function fieldOf(pointer: string): string {
  return segments(pointer).reduce((path, segment) => join(path, segment), '');
}

function join(path: string, segment: string): string {
  if (/^\d+$/.test(segment)) return `${path}[${segment}]`;
  const name = printable(segment);
  return path === '' ? name : `${path}.${name}`;
}

function segments(pointer: string): string[] {
  return pointer
    .replace(/^#/, '')
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function valueAt(value: unknown, pointer: string): unknown {
  return segments(pointer).reduce<unknown>(
    (inner, segment) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, segment)
        ? (inner as Record<string, unknown>)[segment]
        : undefined,
    value,
  );
}

/** The part of the schema that complains; undefined where the path can not be followed (keys with slashes). */
function nodeAt(schema: unknown, pointer: string): unknown {
  return valueAt(schema, pointer);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
