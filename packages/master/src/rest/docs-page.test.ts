import { openApi } from '@cloudai/api/rest';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bench } from '../testing/bench.ts';
import { RestClient } from '../testing/rest-client.ts';

let bench: Bench;
let rest: RestClient;

beforeAll(async () => {
  bench = await Bench.open();
  rest = new RestClient(bench);
});
afterAll(async () => {
  await rest.server.close();
  await bench.close();
});

test('the document is valid OpenAPI 3.1', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(JSON.parse(JSON.stringify(openApi('1.2.3'))));
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe('3.1');
});

test('the page lists every operation and schema, without scripts, and all its links lead somewhere', async () => {
  const { status, text, headers } = await rest.send('GET', '/api/docs', { user: null });
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  expect(headers['content-security-policy']).toContain("default-src 'none'; style-src 'self'");
  expect(text).not.toMatch(/<script|style="|\son\w+=|undefined|\[object/);
  const ids = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
  const targets = [...text.matchAll(/href="#([^"]+)"/g)].map(([, target]) => target!);
  expect(targets.filter((target) => !ids.has(target))).toEqual([]);
  const { body } = await rest.get('/openapi.json');
  for (const methods of Object.values(body.paths as Record<string, Record<string, { operationId: string }>>))
    for (const { operationId } of Object.values(methods)) expect(ids).toContain(operationId);
  for (const name of Object.keys(body.components.schemas)) expect(ids).toContain(`schema-${name}`);
  // Nothing from outside: it is read without a network.
  expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  const style = await rest.send('GET', '/api/docs/style.css', { user: null });
  expect(style.headers['content-type']).toBe('text/css; charset=utf-8');
  expect(style.text).not.toMatch(/url\(|@import/);
});
