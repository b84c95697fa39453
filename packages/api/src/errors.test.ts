import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ERRORS } from './errors.ts';

const PAGE = path.resolve(import.meta.dirname, '../../../docs/reference/errors.md');

test('the reference page lists every code as the catalogue has it', async () => {
  const page = await readFile(PAGE, 'utf8');
  const listed = [...page.matchAll(/^\| `(\w+)` \| (\d+) \| (.*) \| (.*) \|$/gm)].map(
    ([, code, status, meaning, remedy]) => [code, { status: Number(status), meaning, remedy }],
  );
  expect(listed).toEqual(Object.entries(ERRORS));
});

test('meanings and remedies are whole sentences', () => {
  for (const { meaning, remedy } of Object.values(ERRORS)) {
    expect(meaning).toMatch(/^[A-Z].*\.$/);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
  }
});
