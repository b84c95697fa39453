import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { configMarkdown, describeConfig } from './describe.ts';
import { envName, loadMasterConfig, loadWorkerConfig } from './load.ts';

const PAGE = path.resolve(import.meta.dirname, '../../../../docs/reference/configuration.md');

test('the reference page lists the settings as they are', async () => {
  const [, generated] =
    /<!-- settings -->\n\n([\s\S]*?)\n<!-- end of settings -->/.exec(await readFile(PAGE, 'utf8')) ?? [];
  expect(generated).toBe(configMarkdown());
});

test('every setting can be given by its variable, and every default can be read', async () => {
  const { sources } = await loadMasterConfig({ env: {}, directory: '/' });
  const worker = await loadWorkerConfig({ env: {}, directory: '/' });
  expect([...Object.keys(sources), ...Object.keys(worker.sources)]).toEqual(describeConfig().map(({ key }) => key));
  const names = Object.keys({ ...sources, ...worker.sources }).map(envName);
  expect(new Set(names).size).toBe(names.length);
  for (const { meaning } of describeConfig()) expect(meaning).toMatch(/^[A-Z`].*\.$/);
});
