import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { OLDER_ROUTES, OPERATIONS, type OperationName, ROUTES, type Route } from '@cloudai/api/rest';
import { expect, test } from 'vitest';
import { AUTHORIZATION } from '../authorization-table.ts';

const PAGE = path.resolve(import.meta.dirname, '../../../../docs/reference/rest.md');
const WHO = { all: 'everybody', own: 'members', no: 'admins' };

test('the reference page lists the routes as they are', async () => {
  const page = await readFile(PAGE, 'utf8');
  const listed = [...page.matchAll(/^\| `([A-Z]+) (\/\S+)` \| `(\w+)` \| (\d+) \| (\w+) \| (.*) \|$/gm)].map((row) =>
    row.slice(1),
  );
  expect(listed).toEqual(
    (Object.entries(ROUTES) as [OperationName, Route][]).map(([name, { method, path, status, summary }]) => [
      method,
      path,
      name,
      String(status),
      WHO[AUTHORIZATION[name].user],
      summary,
    ]),
  );
});

test('the reference page names every query of the log route', async () => {
  const page = await readFile(PAGE, 'utf8');
  for (const name of Object.keys(OPERATIONS.readLogs.query.properties))
    expect(page).toMatch(new RegExp(`\`${name}[=\`]`));
});

test('the page of older routes lists them as they are', async () => {
  const page = await readFile(path.join(path.dirname(PAGE), 'older-routes.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `([A-Z]+) (\/\S+)` \| `(\w+)` \| (\d+) \| (.*) \|$/gm)].map((row) =>
    row.slice(1),
  );
  expect(listed).toEqual(
    Object.values(OLDER_ROUTES).map(({ method, path, instead, status, summary }) => [
      method,
      path,
      instead,
      String(status),
      summary,
    ]),
  );
});
