/** Requests that would be fine, but for one thing: random values of JSON schemas, and what clients should never send. */
import fc from 'fast-check';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly $ref?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

export const WORDS = [
  'a',
  'busybox',
  '512Mi',
  '10m',
  '1',
  'w-1',
  'default',
  '/tmp',
  'SIGTERM',
  '2030-01-01T00:00:00Z',
  'exit_nonzero',
];

/** Mostly valid values of a schema. */
export function valid(schema: JsonSchema): fc.Arbitrary<Json> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(valid));
  switch (schema.type) {
    case 'object': {
      if (schema.patternProperties !== undefined) {
        const [value] = Object.values(schema.patternProperties);
        return fc.dictionary(fc.constantFrom('A', 'zone', 'x.y'), valid(value!), { maxKeys: 3 }) as fc.Arbitrary<Json>;
      }
      const properties = Object.entries(schema.properties ?? {}).map(
        ([name, property]) => [name, valid(property)] as const,
      );
      return fc.record(Object.fromEntries(properties), {
        requiredKeys: [...(schema.required ?? [])],
      }) as fc.Arbitrary<Json>;
    }
    case 'array':
      return fc.array(valid(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.max(3, schema.minItems ?? 0),
      }) as fc.Arbitrary<Json>;
    case 'integer':
      return fc.integer({
        min: schema.minimum ?? 0,
        max: Math.max(schema.minimum ?? 0, Math.min(schema.maximum ?? 100, 1000)),
      });
    case 'number':
      return fc.double({
        min: schema.minimum ?? 0.1,
        max: Math.max(schema.minimum ?? 0.1, schema.maximum ?? 10),
        noNaN: true,
      });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return schema.format === 'date-time' ? fc.constant('2030-01-01T00:00:00Z') : fc.constantFrom(...WORDS);
  }
}

export const HOSTILE: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    false,
    0,
    -0,
    -1,
    1.5,
    1e-320,
    1e300,
    2 ** 53,
    -(2 ** 53),
    1e21,
    '',
    ' ',
    '\0',
    'a\0b',
    '\n',
    '\ud800',
    '\udfff\ud800',
    '💥',
    'é',
    'e\u0301',
    '\u202e',
    '\ufeff',
    '\u2028',
    'İ',
    'NaN',
    'Infinity',
    '-1',
    '1e309',
    '0x10',
    '1e-400',
    '9'.repeat(64),
    '9'.repeat(100),
    '1Ki1',
    '5QiB',
    '-0',
    '+1',
    '.',
    '1.',
    'm',
    '../..',
    '/',
    '\\',
    '%',
    '$x',
    '$(x)',
    '`',
    "'",
    '"',
    '<script>',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'x'.repeat(300),
    'x'.repeat(5_000),
    'x'.repeat(200_000),
    'ü'.repeat(70_000),
    '2030-02-30T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:60Z',
    '+275760-09-13T00:00:00.001Z',
    [],
    {},
    [[]],
    [{}],
    [null],
    { a: null },
    { '': '' },
    { 'a\nb': {} },
    { constructor: { prototype: {} } },
    { toString: 1 },
  ),
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>,
  fc.integer({ min: 10, max: 2_000 }).map((depth) => {
    let nested: Json = 1;
    for (let level = 0; level < depth; level++) nested = level % 2 === 0 ? [nested] : { a: nested };
    return nested;
  }),
  fc.integer({ min: 100, max: 2_000 }).map((length) => Array.from({ length }, () => 'x')),
  fc
    .integer({ min: 200, max: 500 })
    .map((length) => Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, 'v']))),
);

type Place = readonly (string | number)[];

function placesIn(value: Json, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [
    at,
    ...Object.entries(value).flatMap(([key, inner]) =>
      placesIn(inner, [...at, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

function replace(value: Json, at: Place, by: Json): Json {
  const [first, ...rest] = at;
  if (first === undefined) return by;
  if (Array.isArray(value)) return value.map((inner, index) => (index === first ? replace(inner, rest, by) : inner));
  return {
    ...(value as Record<string, Json>),
    [first]: replace((value as Record<string, Json>)[first] ?? null, rest, by),
  };
}

/** One place of a valid value replaced, an unknown name added, or left as it is. */
export function nearlyValid(schema: JsonSchema): fc.Arbitrary<Json> {
  return fc
    .tuple(
      valid(schema),
      fc.nat(),
      HOSTILE,
      fc.constantFrom('replace', 'replace', 'replace', 'add', 'keep'),
      fc.string(),
    )
    .map(([value, choice, hostile, how, name]) => {
      const places = placesIn(value);
      if (how === 'keep') return value;
      if (how === 'add' && typeof value === 'object' && value !== null && !Array.isArray(value))
        return { ...value, [name]: hostile };
      return replace(value, places[choice % places.length]!, hostile);
    });
}
