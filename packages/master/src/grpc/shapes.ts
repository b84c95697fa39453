/**
 * Between messages and the JSON of the REST operations, by the descriptors alone: a field is the JSON property of the
 * same name. What has no presence and is empty is left out; null is an absent field; times are ISO 8601 in JSON and
 * timestamps in messages; integers of 64 bits are numbers. Messages of another shape are in `UNLIKE`.
 */
import { create, type DescField, type DescMessage, isFieldSet, type Message, ScalarType } from '@bufbuild/protobuf';
import {
  StructSchema,
  type Timestamp,
  TimestampSchema,
  timestampDate,
  timestampFromDate,
} from '@bufbuild/protobuf/wkt';
import { TASK_FILTER } from '@cloudai/api/rest';
import { invalid } from '../operations/rejected.ts';
import { takeParameters } from './parameters.ts';

export type Json = Record<string, unknown>;

/** The JSON that an operation takes. Throws `Rejected` for a value that JSON can not hold. */
export function fromMessage(desc: DescMessage, message: Message): Json {
  const json: Json = Object.fromEntries(
    desc.fields
      .filter((field) => isFieldSet(message, field))
      .map((field) => [field.localName, fromField(field, (message as unknown as Json)[field.localName])]),
  );
  return UNLIKE[desc.typeName]?.(json) ?? json;
}

/** The message that says what an operation answered. What the message does not know is left out. */
export function toMessage(desc: DescMessage, json: Json): Message {
  const init: Json = {};
  for (const field of desc.fields) {
    const value = json[field.localName];
    if (value !== null && value !== undefined) init[field.localName] = toField(field, value);
  }
  return create(desc, init as never);
}

/** Messages whose JSON has another shape, by type. */
const UNLIKE: Readonly<Record<string, (json: Json) => Json>> = {
  'cloudai.user.v1.TaskSubmission': ({ args, command, ...rest }) => {
    if (args !== undefined && command !== undefined) throw invalid('args', 'stands in place of command, not beside it');
    const either = args ?? command;
    return either === undefined ? rest : { ...rest, command: either };
  },
  'cloudai.user.v1.LabelWorkerRequest': ({ set = {}, remove = [], ...rest }) => ({
    ...rest,
    labels: Object.fromEntries([
      ...(remove as string[]).map((key): [string, null] => [key, null]),
      ...Object.entries(set as Record<string, string>),
    ]),
  }),
  // In words of a query there.
  'cloudai.user.v1.TaskFilter': (json) => takeParameters(new Map(Object.entries(json)), Object.keys(TASK_FILTER)),
  'cloudai.user.v1.PutNamespaceRequest': ({ noQuota, ...rest }) => {
    if (noQuota !== true) return rest;
    if (rest.quota !== undefined) throw invalid('quota', 'can not be given together with no_quota');
    return { ...rest, quota: null };
  },
  'cloudai.user.v1.UseSchedulerRequest': ({ reset = [], ...rest }) => {
    const both = (reset as string[]).find((name) => name in rest);
    if (both !== undefined) throw invalid(both, 'is given and reset');
    return { ...rest, ...Object.fromEntries((reset as string[]).map((name) => [name, null])) };
  },
  'cloudai.user.v1.PutUserRequest': ({ namespaces, ...rest }) =>
    namespaces === undefined ? rest : { ...rest, namespaces: (namespaces as Json).names ?? [] },
};

function fromField(field: DescField, value: unknown): unknown {
  switch (field.fieldKind) {
    case 'list': {
      const { listKind } = field;
      const items = value as readonly unknown[];
      if (listKind === 'message') return items.map((item) => fromOne(field.message, item, field.name));
      return listKind === 'scalar' ? items.map((item) => fromScalar(item, field.name)) : items;
    }
    case 'map': {
      const { mapKind } = field;
      const entries = Object.entries(value as Json);
      if (mapKind === 'message')
        return Object.fromEntries(entries.map(([key, item]) => [key, fromOne(field.message, item, field.name)]));
      return mapKind === 'scalar'
        ? Object.fromEntries(entries.map(([key, item]) => [key, fromScalar(item, field.name)]))
        : value;
    }
    case 'message':
      return fromOne(field.message, value, field.name);
    case 'scalar':
      return fromScalar(value, field.name);
    case 'enum':
      return value;
  }
}

function fromOne(desc: DescMessage, value: unknown, name: string): unknown {
  // Its field holds JSON as it is.
  if (desc.typeName === StructSchema.typeName) return value;
  if (desc.typeName !== TimestampSchema.typeName) return fromMessage(desc, value as Message);
  const date = timestampDate(value as Timestamp);
  if (Number.isNaN(date.getTime())) throw invalid(name, 'is not a time');
  return date.toISOString();
}

function fromScalar(value: unknown, name: string): unknown {
  if (typeof value !== 'bigint') return value;
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalid(name, `${value} is too large`);
  return number;
}

function toField(field: DescField, value: unknown): unknown {
  switch (field.fieldKind) {
    case 'list': {
      const items = value as readonly unknown[];
      if (field.listKind === 'message') return items.map((item) => toOne(field.message, item));
      return field.listKind === 'scalar' ? items.map((item) => toScalar(field.scalar, item)) : items;
    }
    case 'map': {
      const entries = Object.entries(value as Json);
      if (field.mapKind === 'message')
        return Object.fromEntries(entries.map(([key, item]) => [key, toOne(field.message, item)]));
      return field.mapKind === 'scalar'
        ? Object.fromEntries(entries.map(([key, item]) => [key, toScalar(field.scalar, item)]))
        : value;
    }
    case 'message':
      return toOne(field.message, value);
    case 'scalar':
      return toScalar(field.scalar, value);
    case 'enum':
      return value;
  }
}

function toOne(desc: DescMessage, value: unknown): unknown {
  switch (desc.typeName) {
    case TimestampSchema.typeName:
      return timestampFromDate(new Date(value as string));
    // Its field holds JSON as it is; what JSON leaves out would break the encoder.
    case StructSchema.typeName:
      return JSON.parse(JSON.stringify(value));
    case 'cloudai.user.v1.Column':
      return { values: (value as readonly (number | null)[]).map((number) => number ?? Number.NaN) };
    default:
      return toMessage(desc, value as Json);
  }
}

function toScalar(type: ScalarType, value: unknown): unknown {
  switch (type) {
    case ScalarType.INT64:
      // A list has no place for what was never measured.
      return BigInt(Math.round((value as number | null) ?? 0));
    case ScalarType.INT32:
      return Math.round(value as number);
    default:
      return value;
  }
}
