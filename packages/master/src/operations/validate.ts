/**
 * Input of every operation, checked against the schemas of `@cloudai/api/rest` by validators that are compiled once.
 * All transports go through here, so that a value is refused in the same words everywhere.
 */
import { OPERATIONS, type OperationInput, type OperationName, type OperationSchema } from '@cloudai/api/rest';
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { problemOf } from './problem.ts';
import { invalid } from './rejected.ts';
import { illFormedField } from './unicode.ts';

export interface RawInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

type Part = 'params' | 'query' | 'body';

interface Check {
  readonly part: Part;
  readonly schema: TSchema;
  readonly validator: Validator;
}

const checks = new Map<OperationName, readonly Check[]>();

/** Compiles the validators; a few milliseconds each, so the master does it before it listens. */
export function compileValidators(): void {
  for (const name of Object.keys(OPERATIONS) as OperationName[]) checksOf(name);
}

/** The input as one typed object, or a rejection that names the field. */
export function validate<Name extends OperationName>(name: Name, input: RawInput): OperationInput<Name> {
  const schema: OperationSchema = OPERATIONS[name];
  const given: RawInput = { ...input, body: schema.bodyOptional && input.body === undefined ? {} : input.body };
  for (const { part, schema, validator } of checksOf(name)) {
    const value = given[part];
    if (validator.Check(value)) {
      // Only now: what fits the schema is not deeper than it.
      const field = illFormedField(value);
      if (field !== null) throw invalid(field, 'is not valid Unicode: it has half of a surrogate pair');
      continue;
    }
    const problem = problemOf(schema, value, validator.Errors(value));
    throw invalid(problem.field, problem.message);
  }
  // The checks above are what makes this true; parts without a schema are left out.
  const flat = {
    ...(schema.params === undefined ? {} : (given.params as object)),
    ...(schema.query === undefined ? {} : (given.query as object)),
    ...(schema.body === undefined ? {} : { body: given.body }),
  };
  return flat as OperationInput<Name>;
}

function checksOf(name: OperationName): readonly Check[] {
  let compiled = checks.get(name);
  if (compiled === undefined) {
    const schemas: OperationSchema = OPERATIONS[name];
    compiled = (['params', 'query', 'body'] as const).flatMap((part) => {
      const schema = schemas[part];
      return schema === undefined ? [] : [{ part, schema, validator: Compile(schema) as Validator }];
    });
    checks.set(name, compiled);
  }
  return compiled;
}
