// Near-valid input: a request that would be fine, with one thing off. Whatever it is, the answer is a proper one.
import { ERRORS } from '@cloudai/api/errors';
import { OPERATIONS, type OperationName, type OperationSchema, ROUTES, type Route } from '@cloudai/api/rest';
import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

let bench: Bench;
let rest: RestClient;
let task: string;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
  await bench.addWorker('w-1');
  task = (await rest.post('/tasks', { image: 'a', startAfter: '2030-01-01T00:00:00Z' })).body.id;
});
afterAll(async () => {
  expect(rest.failures).toEqual([]);
  await rest.server.close();
  await bench.close();
});

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

interface JsonSchema {
  readonly type?: string;
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
  readonly maxLength?: number;
}

const WORDS = [
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
function valid(schema: JsonSchema): fc.Arbitrary<Json> {
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
        maxLength: 3,
      }) as fc.Arbitrary<Json>;
    case 'integer':
      return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 100, 1000) });
    case 'number':
      return fc.double({ min: schema.minimum ?? 0.1, max: schema.maximum ?? 10, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return schema.format === 'date-time' ? fc.constant('2030-01-01T00:00:00Z') : fc.constantFrom(...WORDS);
  }
}

const HOSTILE: fc.Arbitrary<Json> = fc.oneof(
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
function nearlyValid(schema: TSchema): fc.Arbitrary<Json> {
  return fc
    .tuple(
      valid(schema as JsonSchema),
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

async function expectProper(method: Route['method'], url: string, text: string | undefined): Promise<void> {
  const answer = await rest.send(method, url, text === undefined ? {} : { text });
  expect(answer.status, `${method} ${url} ${text?.slice(0, 500)} → ${answer.text}`).toBeLessThan(500);
  if (answer.status >= 400) expect(ERRORS).toHaveProperty(answer.body.error.code);
}

const routes = Object.entries(ROUTES) as [OperationName, Route][];
const withBody = routes.filter(([name]) => 'body' in OPERATIONS[name]);
/** The seed is in the report of a failure; `FUZZ_RUNS` asks for more. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 40);

function fill(path: string): string {
  return path
    .replace('{task}', task)
    .replace('{path}', 'x')
    .replace('{worker}', 'w-1')
    .replace('{namespace}', 'default')
    .replace('{user}', 'someone')
    .replace('{token}', 'x');
}

test.each(withBody)('a nearly valid body of %s', { timeout: 120_000 }, async (name, { method, path }) => {
  const { body }: OperationSchema = OPERATIONS[name];
  const runs = name === 'submitTask' || name === 'submitJob' ? RUNS * 5 : RUNS;
  await fc.assert(
    fc.asyncProperty(nearlyValid(body!), (value) => {
      return expectProper(method, fill(path), JSON.stringify(value));
    }),
    { numRuns: runs },
  );
});

test('numbers and names that JSON.stringify does not write', async () => {
  for (const text of [
    '{"image":"a","priority":1e309}',
    '{"image":"a","priority":-1e309}',
    '{"image":"a","resources":{"cpu":1e309}}',
    '{"image":"a","resources":{"memory":-1e309}}',
    '{"image":"a","timeout":1e309}',
    '{"image":"a","retry":{"factor":1e309}}',
    '{"image":"a","priority":1E400}',
    '{"image":"a","__proto__":{"priority":1}}',
    '{"image":"a","resources":{"__proto__":{"cpu":1}}}',
    '{"image":"a","image":"b"}',
    '{"image":"\\ud800"}',
    '{"image":"a","command":"\\u0000"}',
    '{"image":"a","env":{"\\u0000":"x"}}',
    '{"image":"a","env":{"a\\nb":{"x":1}}}',
  ])
    await expectProper('POST', '/api/v1/tasks', text);
});

const withQuery = routes.filter(([name]) => 'query' in OPERATIONS[name] && ROUTES[name].method === 'GET');

test.each(withQuery)('a nearly valid query of %s', { timeout: 60_000 }, async (name, { method, path }) => {
  const { query }: OperationSchema = OPERATIONS[name];
  const names = Object.keys(query!.properties).filter((property) => property !== 'follow');
  const text = fc.oneof(
    fc.constantFrom(
      ...WORDS,
      '\0',
      '\ud800',
      '-1',
      '1e309',
      'all',
      'true',
      '%',
      '='.repeat(9),
      ',,',
      'a=b',
      'x'.repeat(2_000),
    ),
    fc.string({ unit: 'binary' }),
    fc.integer().map(String),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...names, 'other'), text), { minLength: 1, maxLength: 3 }),
      (pairs) => {
        const search = new URLSearchParams(pairs.map(([key, value]): [string, string] => [key, value.toWellFormed()]));
        return expectProper(method, `${fill(path)}?${search}`, undefined);
      },
    ),
    { numRuns: RUNS },
  );
});
