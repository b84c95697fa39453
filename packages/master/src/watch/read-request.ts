import { WATCH_TOPICS, type WatchTopic } from '@cloudai/api/watch';
import { SUBSCRIPTIONS, Unsubscription, type WatchRequest } from '@cloudai/api/watch/schemas';
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { problemOf } from '../operations/problem.ts';
import { invalid } from '../operations/rejected.ts';

interface Check {
  readonly schema: TSchema;
  readonly validator: Validator;
}

let checks: Readonly<Record<WatchTopic | 'unsubscribe', Check>> | null = null;

/** Compiles the validators; the master does it before it listens. */
export function compileRequests(): Readonly<Record<WatchTopic | 'unsubscribe', Check>> {
  const check = (schema: TSchema): Check => ({ schema, validator: Compile(schema) as Validator });
  checks ??= {
    ...(Object.fromEntries(WATCH_TOPICS.map((topic) => [topic, check(SUBSCRIPTIONS[topic])])) as Record<
      WatchTopic,
      Check
    >),
    unsubscribe: check(Unsubscription),
  };
  return checks;
}

/** A frame of a client as a request, or a rejection that names the field. */
export function readRequest(value: unknown): WatchRequest {
  if (typeof value !== 'object' || value === null) throw invalid('', 'A frame has to be a JSON object');
  const { kind, topic } = value as { readonly kind?: unknown; readonly topic?: unknown };
  const { schema, validator } = compileRequests()[checkOf(kind, topic)];
  if (!validator.Check(value)) {
    const problem = problemOf(schema, value, validator.Errors(value));
    throw invalid(problem.field, problem.message);
  }
  return value as WatchRequest;
}

function checkOf(kind: unknown, topic: unknown): WatchTopic | 'unsubscribe' {
  if (kind === 'unsubscribe') return kind;
  if (kind !== 'subscribe') throw invalid('kind', 'has to be subscribe or unsubscribe');
  const known = WATCH_TOPICS.find((name) => name === topic);
  if (known === undefined) throw invalid('topic', `has to be one of ${WATCH_TOPICS.join(', ')}`);
  return known;
}
