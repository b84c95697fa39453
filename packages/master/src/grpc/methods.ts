/**
 * Which method is which operation, and where its message differs from the operation's JSON. Methods and operations have
 * the same names; path and query parameters are fields, what is left is the body.
 */

import type { DescMethodUnary } from '@bufbuild/protobuf';
import { userWire } from '@cloudai/api';
import { OPERATIONS, type OperationName, type OperationSchema } from '@cloudai/api/rest';
import { invalid } from '../operations/rejected.ts';
import type { RawInput } from '../operations/validate.ts';
import { takeParameters } from './parameters.ts';
import { fromMessage, type Json, toMessage } from './shapes.ts';

const NO_COOKIES = 'Sessions are cookies of browsers; a call carries its token.';

/** Operations without a method of their own, with the reason. */
export const WITHOUT_METHOD: Partial<Record<OperationName, string>> = {
  readLogs: 'StreamTaskLogs carries it, in the chunks that its clients know.',
  getArchive: 'A tar is for browsers and curl; programs read the files one by one with GetArtifact.',
  createSession: NO_COOKIES,
  getSession: NO_COOKIES,
  endSession: NO_COOKIES,
  createLoginCode: NO_COOKIES,
};

/** Fields that hold the whole body, where it is not the rest of the fields. */
export const BODY_FIELD: Partial<Record<OperationName, string>> = {
  submitTask: 'task',
  validateTask: 'task',
  labelWorker: 'labels',
};

/** Fields that hold the whole answer, where it is not spread over the response. */
export const ANSWER_FIELD: Partial<Record<OperationName, string>> = {
  getCluster: 'cluster',
  submitTask: 'task',
  explainTask: 'explanation',
  cancelTask: 'task',
  retryTask: 'task',
  updateTask: 'task',
  getJob: 'job',
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
  const params = takeParameters(left, namesOf(schema.params));
  const query = takeParameters(left, namesOf(schema.query));
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
