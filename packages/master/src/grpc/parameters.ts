/** Parameters of a query or a path, out of the fields of a message. */
import { invalid } from '../operations/rejected.ts';
import type { Json } from './shapes.ts';

/** Parameters by their names in REST: `task` is the field `task_id`, `state` the list `states`. */
export function takeParameters(fields: Map<string, unknown>, names: readonly string[]): Json {
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
