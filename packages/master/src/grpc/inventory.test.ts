// The same operations and the same fields as the REST API: what one has and the other has not is here, with the reason.
import { type DescField, type DescMessage, type DescMethodUnary, ScalarType } from '@bufbuild/protobuf';
import { agentWire, userWire } from '@cloudai/api';
import { ERRORS, type ErrorCode } from '@cloudai/api/errors';
import { OPERATIONS, type OperationSchema, TASK_FILTER } from '@cloudai/api/rest';
import { Code } from '@connectrpc/connect';
import { describe, expect, test } from 'vitest';
import { grpcCode } from './errors.ts';
import { ANSWER_FIELD, BODY_FIELD, plainMethods, WITHOUT_METHOD } from './methods.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Methods that are no single operation. */
const OWN_METHODS = ['getArtifact', 'streamTaskLogs', 'watchEvents'];

/** Fields of requests that are no property of the JSON, by message. */
const EXTRA_FIELDS: Readonly<Record<string, readonly string[]>> = {
  // In a header there.
  SubmitTaskRequest: ['idempotencyKey'],
  SubmitJobRequest: ['idempotencyKey'],
  RetryTaskRequest: ['idempotencyKey'],
  // One property there, which is text or a list.
  TaskSubmission: ['args'],
  // null there.
  PutNamespaceRequest: ['noQuota'],
  UseSchedulerRequest: ['reset'],
  LabelWorkerRequest: ['set', 'remove'],
};

/** Messages whose form differs on purpose; their tests are in server.test.ts. */
const UNLIKE = new Set(['NamespaceNames', 'LabelWorkerRequest', 'Column', 'TaskFilter']);

const plain = new Map(plainMethods());

test('every operation has a method or a reason, and every method an operation', () => {
  const served = [...plain.keys(), ...OWN_METHODS];
  const without = Object.keys(OPERATIONS).filter((name) => !served.includes(name));
  expect(without.sort()).toEqual(Object.keys(WITHOUT_METHOD).sort());
  for (const reason of Object.values(WITHOUT_METHOD)) expect(reason).toMatch(/^[A-Z].{10,}\.$/);
  expect(userWire.CloudAI.methods.map(({ localName }) => localName).sort()).toEqual(served.sort());
  expect(agentWire.MasterAgent.methods.map(({ name }) => name)).toEqual(['FetchClusterState', 'SubmitAssignments']);
});

describe.each([...plain])('%s', (name, method: DescMethodUnary) => {
  const schema: OperationSchema = OPERATIONS[name];

  test('takes what the operation takes', () => {
    const names = [...parameters(schema.params), ...parameters(schema.query)];
    const bodyField = BODY_FIELD[name];
    const fields = method.input.fields.filter(({ localName }) => localName !== bodyField);
    const found = fields.map((field) => names.find((known) => isNamed(field, known)) ?? field.localName);
    const body = schema.body as Schema | undefined;
    const wanted = [...names, ...(body === undefined || bodyField !== undefined ? [] : propertiesOf(body).keys())];
    const extra = EXTRA_FIELDS[method.input.name] ?? [];
    expect(found.filter((field) => !extra.includes(field)).sort()).toEqual(wanted.sort());
    if (body === undefined || UNLIKE.has(method.input.name)) return;
    if (bodyField === undefined) compare(method.input, body, name, names);
    else compare(messageOf(method.input, bodyField), body, name);
  });

  test('answers what the operation answers', () => {
    if (schema.response === null) return expect(method.output.fields).toEqual([]);
    const field = ANSWER_FIELD[name];
    compare(field === undefined ? method.output : messageOf(method.output, field), schema.response as Schema, name);
  });
});

test('a filter has what a list is filtered by', () => {
  const names = Object.keys(TASK_FILTER);
  const found = userWire.TaskFilterSchema.fields.map((field) => names.find((name) => isNamed(field, name)));
  expect(found.sort()).toEqual(names.sort());
});

test('every code of the catalogue has a code of gRPC that means the same', () => {
  for (const [code, { status }] of Object.entries(ERRORS)) {
    const found = grpcCode(code as ErrorCode);
    expect(found, code).not.toBe(Code.Unknown);
    // Clients repeat these by themselves.
    if (found === Code.Unavailable) expect(status, code).toBe(503);
    if (status === 500) expect(found, code).toBe(Code.Internal);
  }
});

/** Each property is a field of the same name and kind, down to the leaves. */
function compare(desc: DescMessage, schema: Schema, at: string, skip: readonly string[] = []): void {
  if (UNLIKE.has(desc.name)) return;
  const properties = propertiesOf(schema);
  const extra = EXTRA_FIELDS[desc.name] ?? [];
  const fields = desc.fields.filter(
    (field) => !extra.includes(field.localName) && !skip.some((name) => isNamed(field, name)),
  );
  expect(fields.map(({ localName }) => localName).sort(), `${at}: ${desc.name}`).toEqual([...properties.keys()].sort());
  for (const field of fields) compareField(field, properties.get(field.localName)!, `${at}.${field.localName}`);
}

function compareField(field: DescField, schema: Schema, at: string): void {
  const inner = withoutNull(schema);
  switch (field.fieldKind) {
    case 'list':
      expect(
        inner.some(({ type }) => type === 'array'),
        `${at} is a list`,
      ).toBe(true);
      if (field.listKind === 'message') compare(field.message, itemsOf(inner), at);
      return;
    case 'map':
      expect(
        inner.some(({ type }) => type === 'object'),
        `${at} is a map`,
      ).toBe(true);
      return;
    case 'message':
      if (field.message.typeName === 'google.protobuf.Timestamp')
        expect(inner, `${at} is a time`).toMatchObject([{ format: 'date-time' }]);
      else if (field.message.typeName !== 'google.protobuf.Struct')
        compare(field.message, inner.find(({ type }) => type === 'object') ?? {}, at);
      return;
    case 'scalar':
      expect(
        inner.map((one) => typeOf(one)),
        `${at} is ${ScalarType[field.scalar]}`,
      ).toContain(jsonType(field.scalar));
      return;
    case 'enum':
      throw new Error(`${at} is an enum: words are texts here`);
  }
}

function jsonType(scalar: ScalarType): string {
  if (scalar === ScalarType.STRING) return 'string';
  return scalar === ScalarType.BOOL ? 'boolean' : 'number';
}

function typeOf({ type, const: constant, enum: words }: Schema): unknown {
  if (constant !== undefined || words !== undefined) return 'string';
  return type === 'integer' ? 'number' : type;
}

function withoutNull(schema: Schema): Schema[] {
  const variants = schema.anyOf as Schema[] | undefined;
  if (variants !== undefined) return variants.flatMap(withoutNull);
  return schema.type === 'null' ? [] : [schema];
}

function itemsOf(variants: readonly Schema[]): Schema {
  return (variants.find(({ type }) => type === 'array')?.items as Schema | undefined) ?? {};
}

function propertiesOf(schema: Schema): Map<string, Schema> {
  return new Map(Object.entries((schema.properties as Record<string, Schema> | undefined) ?? {}));
}

function parameters(schema: OperationSchema['params']): string[] {
  return [...propertiesOf((schema ?? {}) as unknown as Schema).keys()];
}

/** As `methods.ts` finds a parameter. */
function isNamed({ localName }: DescField, parameter: string): boolean {
  return [parameter, `${parameter}Id`, `${parameter}s`, `${parameter}Prefix`].includes(localName);
}

function messageOf(desc: DescMessage, name: string): DescMessage {
  const field = desc.fields.find(({ localName }) => localName === name);
  if (field?.fieldKind !== 'message') throw new Error(`${desc.name} has no message ${name}`);
  return field.message;
}
