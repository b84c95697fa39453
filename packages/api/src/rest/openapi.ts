/** The OpenAPI 3.1 document of the REST API, from the same routes and schemas that the server checks requests with. */
import type { TSchema } from 'typebox';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { OPERATIONS, type OperationSchema } from './operations.ts';
import { type OperationName, ROUTES, type Route } from './routes.ts';

type Json = Record<string, unknown>;

export function openApi(version: string): Json {
  const schemas: Json = { Error: ERROR_SCHEMA };
  const paths: Record<string, Json> = {};
  for (const [name, route] of Object.entries(ROUTES) as [OperationName, Route][]) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(name, route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'CloudAI',
      version,
      description: 'Runs container tasks on a cluster of workers. Errors: docs/reference/errors.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ bearer: [] }, { session: [] }],
    paths,
    components: {
      schemas,
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

function operation(name: OperationName, route: Route, schemas: Json): Json {
  const schema: OperationSchema = OPERATIONS[name];
  const parameters = [...parametersOf(schema, 'path', schemas), ...parametersOf(schema, 'query', schemas)];
  if (SUBMITS.has(name)) parameters.push(IDEMPOTENCY_KEY);
  return {
    operationId: name,
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
        ...(schema.response === null ? {} : { content: contentOf(schema, schema.response, schemas) }),
      },
      default: {
        description: 'Refused or failed.',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

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
