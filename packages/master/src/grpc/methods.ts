/**
 * Which method is which operation, and where its message differs from the operation's JSON. Methods and operations have
 * the same names; path and query parameters are fields, what is left is the body.
 */

import type { DescMethodUnary } from '@bufbuild/protobuf';
import { userWire } from '@cloudai/api';
import { OPERATIONS, type OperationName, type OperationSchema } from '@cloudai/api/rest';
import { invalid } from '../operations/rejected.ts';
import type { RawInput } from '../operations/validate.ts';
import { fromMessage, type Json, toMessage } from './shapes.ts';

/** Operations without a method of their own, with the reason. */
export const WITHOUT_METHOD: Partial<Record<OperationName, string>> = {
  readLogs: 'StreamTaskLogs',
};

/** Fields that hold the whole body, where it is not the rest of the fields. */
const BODY_FIELD: Partial<Record<OperationName, string>> = { submitTask: 'task', labelWorker: 'labels' };

/** Fields that hold the whole answer, where it is not spread over the response. */
export const ANSWER_FIELD: Partial<Record<OperationName, string>> = {
  getCluster: 'cluster',
  submitTask: 'task',
  explainTask: 'explanation',
  cancelTask: 'task',
  retryTask: 'task',
  updateTask: 'task',
  getWorker: 'worker',
  drainWorker: 'worker',
  labelWorker: 'worker',
  getScheduler: 'scheduler',
  useScheduler: 'scheduler',
  putNamespace: 'namespace',
  putUser: 'user',
};

/** The methods that are an operation and nothing more. */
export function plainMethods(): (readonly [OperationName, DescMethodUnary])[] {
  return userWire.CloudAI.methods.flatMap((method) =>
    method.methodKind === 'unary' && Object.hasOwn(OPERATIONS, method.localName)
      ? [[method.localName as OperationName, method as DescMethodUnary] as const]
      : [],
  );
}

export interface Asked {
  readonly input: RawInput;
  readonly idempotencyKey: string | null;
}

export function readRequest(name: OperationName, method: DescMethodUnary, message: object): Asked {
  const schema: OperationSchema = OPERATIONS[name];
  const { idempotencyKey = null, ...fields } = fromMessage(method.input, message as never);
  checkKey(idempotencyKey);
  const left = new Map(Object.entries(fields));
  const params = take(left, namesOf(schema.params));
  const query = take(left, namesOf(schema.query));
  const bodyField = BODY_FIELD[name];
  const body = bodyField === undefined ? Object.fromEntries(left) : (fields[bodyField] ?? {});
  return { input: { params, query, body: schema.body === undefined ? undefined : body }, idempotencyKey };
}

export function writeResponse(name: OperationName, method: DescMethodUnary, output: unknown): Record<string, unknown> {
  const field = ANSWER_FIELD[name];
  const json = field === undefined ? ((output ?? {}) as Json) : { [field]: output };
  return toMessage(method.output, json) as unknown as Json;
}

/** As the REST API takes it in a header. */
function checkKey(key: unknown): asserts key is string | null {
  if (key !== null && !(typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)))
    throw invalid('idempotency_key', 'has to be 1 to 255 printable ASCII characters without spaces');
}

function namesOf(schema: OperationSchema['params']): string[] {
  return Object.keys((schema as { properties?: object } | undefined)?.properties ?? {});
}

/** Parameters by their names in REST: `task` is the field `task_id`, `state` the list `states`. */
function take(fields: Map<string, unknown>, names: readonly string[]): Json {
  const taken: Json = {};
  for (const name of names) {
    const field = [name, `${name}Id`, `${name}s`, `${name}Prefix`].find((known) => fields.has(known));
    if (field === undefined) continue;
    taken[name] = inQuery(field, fields.get(field));
    fields.delete(field);
  }
  return taken;
}

/** Lists are separated by commas in a query, so a part with a comma can not be said. */
function inQuery(field: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const parts = Array.isArray(value)
    ? value.map(String)
    : Object.entries(value).map(([key, text]) => `${key}=${String(text)}`);
  if (parts.some((part) => part.includes(','))) throw invalid(field, 'no part of it may have a comma');
  return parts.join(',');
}
