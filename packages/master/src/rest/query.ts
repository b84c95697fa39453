import type { TSchema } from 'typebox';

/**
 * Query parameters arrive as text; numbers and truth values become what the schema wants where they look like it. What
 * does not is left for the validator to refuse. `?follow` alone means true.
 */
export function coerceQuery(schema: TSchema | undefined, query: unknown): Record<string, unknown> {
  const coerced: Record<string, unknown> = { ...(query as Record<string, unknown>) };
  const properties = (schema as { properties?: Readonly<Record<string, TSchema>> } | undefined)?.properties ?? {};
  for (const [name, value] of Object.entries(coerced)) {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined || typeof value !== 'string') continue;
    const types = typesOf(property);
    if ((types.has('integer') || types.has('number')) && /^-?\d{1,20}(\.\d{1,20})?$/.test(value))
      coerced[name] = Number(value);
    else if (types.has('boolean') && (value === '' || value === 'true' || value === '1')) coerced[name] = true;
    else if (types.has('boolean') && (value === 'false' || value === '0')) coerced[name] = false;
  }
  return coerced;
}

function typesOf(schema: TSchema): Set<unknown> {
  const { type, anyOf } = schema as { type?: unknown; anyOf?: readonly { type?: unknown }[] };
  return new Set([type, ...(anyOf ?? []).map((variant) => variant.type)]);
}
