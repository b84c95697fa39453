/** The OpenAPI 3.1 document of the REST API, from the same routes and schemas that the server checks requests with. */
import type { TSchema } from 'typebox';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { OLDER_ROUTES, type OlderRoute } from './older.ts';
import { OPERATIONS, type OperationSchema } from './operations.ts';
import { type OperationName, ROUTES, type Route } from './routes.ts';

type Json = Record<string, unknown>;

export function openApi(version: string): Json {
  const schemas: Json = { Error: ERROR_SCHEMA };
  const paths: Record<string, Json> = {};
  const add = ({ path, method }: Pick<Route, 'path' | 'method'>, described: Json) => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: described };
  };
  for (const [name, route] of Object.entries(ROUTES) as [OperationName, Route][])
    add(route, operation(name, route, schemas));
  for (const [name, route] of Object.entries(SYSTEM_ROUTES) as [string, SystemRoute][]) add(route, system(name, route));
  for (const [name, route] of Object.entries(OLDER_ROUTES) as [string, OlderRoute][]) add(route, older(name, route));
  return {
    openapi: '3.1.0',
    info: {
      title: 'CloudAI',
      version,
      description: 'Runs container tasks on a cluster of workers. Errors: docs/reference/errors.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { session: [] }],
    tags: TAGS.map(([name]) => ({ name })),
    paths,
    components: {
      schemas,
      headers: HEADERS,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token as `cloudai init` or an admin issues it.' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'cloudai_session',
          description: 'As `POST /api/v1/session` sets it. Changes also need the header `X-Cloudai-Csrf: 1`.',
        },
      },
    },
  };
}

/** In the order in which the page lists them; the first that fits a path is its own. */
const TAGS: readonly (readonly [name: string, paths: RegExp])[] = [
  ['Tasks', /^\/api\/v1\/tasks/],
  ['Jobs', /^\/api\/v1\/jobs/],
  ['Queue and scheduler', /^\/api\/v1\/(queue|scheduler)/],
  ['Workers', /^\/api\/v1\/workers/],
  ['Cluster', /^\/api\/v1\/(cluster|events|telemetry|version|watch)/],
  ['Users', /^\/api\/v1\/(namespaces|users|tokens|session)/],
  ['Machines', /^\/(health|ready|metrics)|^\/api\/(docs|v1\/openapi)/],
  ['Older', /^/],
];

function tagOf(path: string): string {
  return TAGS.find(([, paths]) => paths.test(path))![0];
}

function operation(name: OperationName, route: Route, schemas: Json): Json {
  const schema: OperationSchema = OPERATIONS[name];
  const parameters = [
    ...parametersOf(schema, 'path', schemas),
    ...parametersOf(schema, 'query', schemas),
    ...headersOf(name, route),
  ];
  return {
    operationId: name,
    tags: [tagOf(route.path)],
    summary: route.summary,
    ...(route.open === true ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(schema.body === undefined
      ? {}
      : {
          requestBody: {
            required: schema.bodyOptional !== true,
            content: { 'application/json': { schema: refer(schema.body, schemas) } },
          },
        }),
    responses: {
      [route.status]: {
        description: schema.response === null ? 'Done; no content.' : 'Done.',
        headers: answerHeaders(name, route, schema),
        ...(schema.response === null ? {} : { content: contentOf(schema, schema.response, schemas) }),
      },
      ...(isTagged(route, schema) ? { 304: { description: 'It is what `If-None-Match` names.' } } : {}),
      ...(name === 'getArtifact' ? { 206: partOf(schema) } : {}),
      ...refusals(name, route, schema),
    },
  };
}

/** Small JSON answers to a GET have an ETag. */
function isTagged(route: Route, schema: OperationSchema): boolean {
  return route.method === 'GET' && schema.media === undefined;
}

function headersOf(name: OperationName, route: Route): Json[] {
  const schema: OperationSchema = OPERATIONS[name];
  const headers: Json[] = [];
  if (SUBMITS.has(name)) headers.push(IDEMPOTENCY_KEY);
  if (isTagged(route, schema)) headers.push(header('If-None-Match', 'An `ETag` that is known already.'));
  if (name === 'updateTask') headers.push(header('If-Match', 'Only if the task still has this `ETag` or version.'));
  if (name === 'getArtifact') {
    headers.push(header('Range', 'One range of bytes: `bytes=0-99`, `bytes=100-` or `bytes=-100`.'));
    headers.push(header('If-Range', 'An `ETag`: the range only if the file is still that.'));
  }
  return headers;
}

function header(name: string, description: string): Json {
  return { name, in: 'header', required: false, description, schema: { type: 'string', maxLength: 4096 } };
}

function answerHeaders(name: OperationName, route: Route, schema: OperationSchema): Json {
  const names = ['X-Request-Id'];
  if (route.method === 'GET') names.push('X-Cloudai-Sequence');
  if (isTagged(route, schema) || name === 'getArtifact') names.push('ETag');
  if (name === 'createSession' || name === 'endSession') names.push('Set-Cookie');
  if (name === 'getArtifact' || name === 'getArchive') names.push('Content-Disposition');
  return Object.fromEntries(names.map((one) => [one, { $ref: `#/components/headers/${one}` }]));
}

function partOf(schema: OperationSchema): Json {
  return {
    description: 'A part of it.',
    headers: { 'Content-Range': { $ref: '#/components/headers/Content-Range' } },
    content: Object.fromEntries((schema.media ?? []).map((type) => [type, { schema: { type: 'string' } }])),
  };
}

/** Every refusal has the one shape; which there may be depends on what the request has. */
function refusals(name: OperationName, route: Route, schema: OperationSchema): Json {
  const changes = route.method !== 'GET';
  const statuses: [number, boolean][] = [
    [400, true],
    [401, true],
    [403, true],
    [404, schema.params !== undefined || changes || schema.query !== undefined],
    [409, changes || name.includes('Task') || schema.params !== undefined],
    [412, name === 'updateTask'],
    [413, schema.body !== undefined],
    [415, schema.body !== undefined],
    [416, name === 'getArtifact'],
    [421, true],
    [422, SUBMITS.has(name)],
    [429, true],
    [503, true],
  ];
  const listed = statuses.filter(([, applies]) => applies).map(([status]) => [status, refusal(MEANINGS[status]!)]);
  return { ...Object.fromEntries(listed), default: refusal('Refused or failed.') };
}

function refusal(description: string): Json {
  return {
    description,
    headers: {
      'X-Request-Id': { $ref: '#/components/headers/X-Request-Id' },
      ...(description === MEANINGS[429] || description === MEANINGS[503]
        ? { 'Retry-After': { $ref: '#/components/headers/Retry-After' } }
        : {}),
    },
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  };
}

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'A value in the request is not allowed.',
  401: 'No token or session, or one that is no longer good.',
  403: 'The role does not allow it, or a browser did not show that it meant it.',
  404: 'There is no such thing, or the caller may not see it.',
  409: 'It does not go with the state that things are in.',
  412: 'It has changed since it was read.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  416: 'The range lies outside of the file.',
  421: 'The Host header names no address of this master.',
  422: 'The Idempotency-Key was used with another body.',
  429: 'Too many requests.',
  503: 'The master is starting, stopping or overloaded, or its disk is full.',
};

function contentOf(schema: OperationSchema, response: TSchema, schemas: Json): Json {
  if (schema.media === undefined) return { 'application/json': { schema: refer(response, schemas) } };
  return Object.fromEntries(schema.media.map((type) => [type, { schema: refer(response, schemas) }]));
}

function parametersOf(schema: OperationSchema, place: 'path' | 'query', schemas: Json): Json[] {
  const object = place === 'path' ? schema.params : schema.query;
  const { properties = {}, required = [] } = (object ?? {}) as {
    properties?: Record<string, TSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = refer(property, schemas) as Json;
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

/** A copy in which every named schema is a reference; the names end up in `schemas`. */
function refer(schema: unknown, schemas: Json): unknown {
  if (Array.isArray(schema)) return schema.map((item) => refer(item, schemas));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $id, ...rest } = schema as Json;
  const copy = () => Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, refer(value, schemas)]));
  if (typeof $id !== 'string') return copy();
  if (!Object.hasOwn(schemas, $id)) {
    schemas[$id] = null;
    schemas[$id] = copy();
  }
  return { $ref: `#/components/schemas/${$id}` };
}

interface SystemRoute {
  readonly method: 'GET';
  readonly path: string;
  readonly summary: string;
  readonly open: boolean;
  /** Status, content type (null: none) and meaning of each answer. */
  readonly answers: readonly (readonly [status: number, type: string | null, meaning: string])[];
}

/** What is no operation on the cluster. */
const SYSTEM_ROUTES = {
  getHealth: {
    method: 'GET',
    path: '/health',
    summary: 'Whether the master answers; with a token also how many workers and clients',
    open: true,
    answers: [[200, 'application/json', 'It does.']],
  },
  getReadiness: {
    method: 'GET',
    path: '/ready',
    summary: 'Whether the master takes work',
    open: true,
    answers: [
      [200, 'application/json', 'It does.'],
      [503, 'application/json', 'It does not; `reasons` says why.'],
    ],
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    summary: 'Figures in the form of Prometheus',
    open: false,
    answers: [[200, 'text/plain', 'The figures.']],
  },
  getDocument: {
    method: 'GET',
    path: '/api/v1/openapi.json',
    summary: 'This document',
    open: false,
    answers: [[200, 'application/json', 'OpenAPI 3.1.']],
  },
  getDocs: {
    method: 'GET',
    path: '/api/docs',
    summary: 'This document as a page',
    open: true,
    answers: [[200, 'text/html', 'The page.']],
  },
  watch: {
    method: 'GET',
    path: '/api/v1/watch',
    summary: 'WebSocket: topics that are kept up to date',
    open: false,
    answers: [[101, null, 'The connection is a WebSocket from now on.']],
  },
} as const satisfies Readonly<Record<string, SystemRoute>>;

function system(name: string, { path, summary, open, answers }: SystemRoute): Json {
  return {
    operationId: name,
    tags: [tagOf(path)],
    summary,
    ...(open ? { security: [] } : {}),
    responses: {
      ...Object.fromEntries(
        answers.map(([status, type, description]) => [
          status,
          {
            description,
            ...(type === null
              ? {}
              : { content: { [type]: { schema: { type: type === 'application/json' ? 'object' : 'string' } } } }),
          },
        ]),
      ),
      default: refusal('Refused or failed.'),
    },
  };
}

function older(name: string, { method, path, summary, status, instead, open }: OlderRoute): Json {
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => ({
    name: parameter,
    in: 'path',
    required: true,
    schema: { type: 'string', minLength: 1, maxLength: parameter === 'path' ? 4096 : 64 },
  }));
  const isFile = path.endsWith('{path}');
  return {
    operationId: name,
    tags: ['Older'],
    summary,
    description: `Kept for clients of earlier versions; use \`${instead}\`.`,
    deprecated: true,
    ...(open === true ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(method === 'POST' && !path.endsWith('logout')
      ? { requestBody: { required: true, content: { 'application/json': { schema: { type: 'object' } } } } }
      : {}),
    responses: {
      [status]: {
        description: 'Done.',
        content: isFile
          ? { 'application/octet-stream': { schema: { type: 'string' } } }
          : { 'application/json': { schema: { type: ['object', 'array'] } } },
      },
      default: refusal('Refused or failed.'),
    },
  };
}

const SUBMITS: ReadonlySet<OperationName> = new Set<OperationName>([
  'submitTask',
  'submitJob',
  'retryTask',
  'retryTasks',
]);

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'A repeat with the same key and body gets the first answer. Kept for a day.',
  schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
};

const HEADERS = {
  'X-Request-Id': headerOf('Names the request in the log of the master. One that the request brings is kept.'),
  'X-Cloudai-Sequence': {
    description: 'The answer is at least as new as the event with this sequence.',
    schema: { type: 'integer', minimum: 0 },
  },
  ETag: headerOf('Of this answer; for a task it begins with its version.'),
  'Set-Cookie': headerOf('The cookies of the session, or their end.'),
  'Content-Disposition': headerOf('The name of the file.'),
  'Content-Range': headerOf('Which bytes these are.'),
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } },
};

function headerOf(description: string): Json {
  return { description, schema: { type: 'string' } };
}

const ERROR_SCHEMA = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'requestId'],
      properties: {
        code: { type: 'string', enum: Object.keys(ERRORS) as ErrorCode[] },
        message: { type: 'string' },
        requestId: { type: 'string', description: 'Names the request in the log of the master.' },
        details: { type: 'object', description: 'Field or index to blame, where there is one.' },
      },
    },
  },
};
