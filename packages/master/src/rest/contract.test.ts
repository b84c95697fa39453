// Every route of the document that a running master answers: valid and nearly valid requests made from its own schemas,
// over HTTP. No request may be answered by a failure of the server, each answer is what the document says, and each
// comes. CLOUDAI_CONTRACT_CASES asks for more of them, CLOUDAI_TEST_SEED for the same ones.
import http from 'node:http';
import { ERRORS, type ErrorCode } from '@cloudai/api/errors';
import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HOSTILE, type Json, type JsonSchema, nearlyValid, valid, WORDS } from '../testing/near-valid.ts';
import { SEED } from '../testing/random.ts';
import { TestMaster } from '../testing/test-master.ts';

const CASES = Number(process.env.CLOUDAI_CONTRACT_CASES ?? 3_000);
/** Far beyond what any of them takes, even on a busy machine. */
const ANSWER_MS = 30_000;
/** Of a body that does not end: followers of a log. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: JsonSchema;
}

interface Described {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>> }>
  >;
}

interface Operation extends Described {
  readonly method: string;
  readonly path: string;
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

interface Case {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

let master: TestMaster;
let token: string;
let operations: readonly Operation[];
/** Values of path parameters that exist. */
const known: Record<string, string[]> = {};
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
const validators = new Map<unknown, Validator>();

beforeAll(async () => {
  master = await TestMaster.start();
  const { context } = master.handle;
  const made = context.identity.makeApiToken();
  token = made.token;
  await master.submit({ kind: 'putToken', id: made.id, user: 'admin', hash: made.hash, expiresAt: null, by: 'admin' });
  await master.register('w-1');
  const submitted = await send('POST', {
    url: '/api/v1/jobs',
    headers: {},
    body: JSON.stringify({ tasks: [{ image: 'a', startAfter: '2040-01-01T00:00:00Z' }, { image: 'b' }] }),
  });
  const { jobId, taskIds } = JSON.parse(submitted.text);
  Object.assign(known, { task: taskIds, worker: ['w-1'], job: [jobId], namespace: ['default'], path: ['out.txt'] });
  const document = JSON.parse((await send('GET', { url: '/api/v1/openapi.json', headers: {}, body: null })).text);
  operations = readOperations(document);
}, 60_000);

afterAll(async () => {
  agent.destroy();
  await master.close();
});

test(`every route of the document keeps it (seed ${SEED}, ${CASES} cases)`, { timeout: 1_800_000 }, async () => {
  expect(operations.length).toBeGreaterThan(70);
  const answered = new Set<number>();
  const succeeded = new Set<string>();
  const each = Math.max(5, Math.ceil(CASES / operations.length));
  for (const operation of operations) {
    await fc.assert(
      fc.asyncProperty(requestOf(operation), async (request) => {
        const answer = await send(operation.method, request);
        answered.add(answer.status);
        if (answer.status < 300) succeeded.add(operation.operationId);
        expectKept(operation, request, answer);
      }),
      { numRuns: each, seed: SEED, endOnFailure: true },
    );
  }
  // The requests are not all refused at the door.
  expect([...answered]).toEqual(expect.arrayContaining([200, 201, 204, 400, 404]));
  expect(succeeded.size).toBeGreaterThan(operations.length / 2);
  const alive = await send('GET', { url: '/health', headers: {}, body: null });
  expect(alive.status).toBe(200);
  master.engine.check();
});

function expectKept(operation: Operation, request: Case, { status, headers, text }: Answer): void {
  const what = `${operation.method} ${request.url.slice(0, 300)} ${request.body?.slice(0, 500) ?? ''}\n→ ${status} ${text.slice(0, 500)}`;
  expect(status, what).toBeLessThan(500);
  expect(headers['x-request-id'], what).toBeTypeOf('string');
  const listed = operation.responses[String(status)];
  if (status < 400) expect(listed, `${what}\nis not in the document`).toBeDefined();
  const described = listed ?? operation.responses.default;
  const type = headers['content-type']?.split(';', 1)[0];
  if (status >= 400) {
    const { error } = JSON.parse(text) as { error: { code: ErrorCode; message: string; requestId: string } };
    expect(ERRORS[error.code]?.status, what).toBe(status);
    expect(error.requestId, what).toBe(headers['x-request-id']);
    expect(error.message, what).toMatch(/\S/);
    expect(text, what).not.toMatch(/node_modules|\.ts:\d|\bat \w+ \(/);
  }
  if (type === undefined || text === '') return;
  const content = described?.content?.[type];
  expect(content, `${what}\nthe type ${type} is not in the document`).toBeDefined();
  if (type !== 'application/json') return;
  const validator = validatorOf(content!.schema);
  const value: unknown = JSON.parse(text);
  const [first] = validator.Check(value) ? [] : validator.Errors(value);
  expect(first, what).toBeUndefined();
}

function validatorOf(schema: JsonSchema): Validator {
  let validator = validators.get(schema);
  if (validator === undefined) {
    validator = Compile(schema as TSchema) as Validator;
    validators.set(schema, validator);
  }
  return validator;
}

/** Mostly one thing is off: a parameter, a place of the body, a name too many, or the text of the JSON itself. */
function requestOf({ path, parameters = [], requestBody, operationId }: Operation): fc.Arbitrary<Case> {
  const inPath = parameters.filter((parameter) => parameter.in === 'path');
  const inQuery = parameters.filter((parameter) => parameter.in === 'query' && parameter.name !== 'follow');
  const inHeader = parameters.filter((parameter) => parameter.in === 'header');
  const schema = requestBody?.content['application/json']?.schema;
  return fc
    .record({
      path: fc.tuple(...inPath.map(({ name }) => pathValue(name, operationId))),
      query: fc.tuple(...inQuery.map(({ schema }) => fc.option(queryValue(schema), { freq: 2 }))),
      header: fc.tuple(
        ...inHeader.map(() => fc.option(fc.constantFrom('*', '"1"', '"x"', 'bytes=0-1', 'k-1'), { freq: 2 })),
      ),
      body: schema === undefined ? fc.constant(null) : bodyText(schema),
    })
    .map((made) => {
      const filled = inPath.reduce((url, { name }, index) => url.replace(`{${name}}`, made.path[index]!), path);
      const search = new URLSearchParams();
      for (const [index, { name }] of inQuery.entries()) {
        const value = made.query[index];
        if (value != null) search.append(name, value.toWellFormed());
      }
      const headers = inHeader.flatMap(({ name }, index) => {
        const value = made.header[index];
        return value == null ? [] : [[name.toLowerCase(), value] as const];
      });
      return {
        url: search.size === 0 ? filled : `${filled}?${search}`,
        headers: Object.fromEntries(headers),
        body: made.body,
      };
    });
}

const TEXTS = fc.oneof(
  fc.constantFrom(
    ...WORDS,
    '',
    '\0',
    '\ud800',
    '..',
    '../..',
    '__proto__',
    '1e309',
    '💥',
    'x'.repeat(5_000),
    ',,',
    'a=b',
  ),
  fc.string({ unit: 'binary' }),
);

function pathValue(name: string, operationId: string): fc.Arbitrary<string> {
  // What other cases need stays: the admin, the worker and this test's own token.
  const spared = operationId === 'putUser' || operationId === 'unregisterWorker' || operationId === 'revokeToken';
  const own = spared ? ['someone'] : (known[name] ?? ['someone']);
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...own) },
    { weight: 1, arbitrary: TEXTS.map((text) => encodeURIComponent(text.toWellFormed()) || 'x') },
  );
}

function queryValue(schema: JsonSchema): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: valid(schema).map((value) => String(value)) },
    { weight: 1, arbitrary: TEXTS },
  );
}

function bodyText(schema: JsonSchema): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: valid(schema).map(write) },
    { weight: 6, arbitrary: nearlyValid(schema).map(write) },
    { weight: 1, arbitrary: fc.tuple(valid(schema), HOSTILE).map(([value, other]) => repeated(value, other)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '',
        '{',
        'null',
        '[]',
        '{"a":1e309}',
        '{"__proto__":{"a":1}}',
        '{"constructor":{"prototype":{"a":1}}}',
        `${'['.repeat(1_000)}${']'.repeat(1_000)}`,
        `${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`,
        '{"image":"a","priority":1e309}',
        '{"image":"a","image":"b"}',
        '{"image":"\\ud800","name":"\\u0000"}',
        '\ufeff{}',
      ),
    },
  );
}

function write(value: Json): string {
  return JSON.stringify(value);
}

/** An object whose first name comes twice. */
function repeated(value: Json, other: Json): string {
  const text = JSON.stringify(value);
  const [name] = Object.keys(typeof value === 'object' && value !== null ? value : {});
  if (name === undefined || Array.isArray(value)) return text;
  return `${text.slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(other)}}`;
}

function send(method: string, { url, headers, body }: Case): Promise<Answer> {
  const { hostname, port } = new URL(master.handle.restUrl);
  return new Promise((resolve, reject) => {
    const request = http.request({
      agent,
      hostname,
      port,
      method,
      path: url,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === null
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
        ...headers,
      },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    request.on('error', (cause) => reject(new Error(`no answer to ${method} ${url.slice(0, 300)}`, { cause })));
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        if (bytes > MAX_BODY_BYTES) request.destroy(new Error('the answer does not end'));
        parts.push(part);
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(parts).toString(),
        }),
      );
    });
    request.end(body ?? undefined);
  });
}

function readOperations(document: Record<string, unknown>): Operation[] {
  const { schemas } = document.components as { schemas: Record<string, Json> };
  const paths = document.paths as Record<string, Record<string, Json>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({
      ...(resolved(described, schemas) as unknown as Described),
      method: method.toUpperCase(),
      path,
    })),
  );
}

/** With every reference to a schema replaced by it; none of them contains itself. */
function resolved(value: Json, schemas: Readonly<Record<string, Json>>): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => resolved(one, schemas));
  const [, name] = /^#\/components\/schemas\/(\w+)$/.exec(String(value.$ref)) ?? [];
  if (name !== undefined) return resolved(schemas[name]!, schemas);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolved(one, schemas)]));
}
