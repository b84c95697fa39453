// Near-valid input: a request that would be fine, with one thing off. Whatever it is, the answer is a proper one.
import { ERRORS } from '@cloudai/api/errors';
import { OPERATIONS, type OperationName, type OperationSchema, ROUTES, type Route } from '@cloudai/api/rest';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { type JsonSchema, nearlyValid, WORDS } from '../testing/near-valid.ts';
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
    .replace('{job}', 'j-1')
    .replace('{namespace}', 'default')
    .replace('{user}', 'someone')
    .replace('{token}', 'x');
}

test.each(withBody)('a nearly valid body of %s', { timeout: 120_000 }, async (name, { method, path }) => {
  const { body }: OperationSchema = OPERATIONS[name];
  const runs = name === 'submitTask' || name === 'submitJob' ? RUNS * 5 : RUNS;
  await fc.assert(
    fc.asyncProperty(nearlyValid(body as JsonSchema), (value) => {
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
