import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gpuProblem, parseCpu, parseDurationMs, parseGpu, parseMemory, type Quantity } from '@cloudai/engine';
import { expect, test } from 'vitest';
import { readSubmission, TASK_DEFAULTS } from './submission.ts';

const PAGE = path.resolve(import.meta.dirname, '../../../../docs/reference/quantities.md');
const READERS: Readonly<Record<string, (text: string) => Quantity>> = {
  CPU: parseCpu,
  'Memory and storage': parseMemory,
  GPU: (text) => {
    const read = parseGpu(text);
    const problem = read.ok ? gpuProblem(read.value) : null;
    return problem === null ? read : { ok: false, code: 'fraction', message: problem };
  },
  Time: parseDurationMs,
};

test('the examples of the reference page are what the parsers read', async () => {
  const sections = (await readFile(PAGE, 'utf8')).split(/^## /m);
  let examples = 0;
  for (const section of sections) {
    const reader = READERS[section.slice(0, section.indexOf('\n'))];
    if (reader === undefined) continue;
    for (const [, written = '', is = ''] of section.matchAll(/^\| `([^`]+)` \| (error|\d+) \|/gm)) {
      const read = reader(written);
      expect(read.ok ? String(read.value) : 'error', written).toBe(is);
      examples += 1;
    }
  }
  expect(examples).toBeGreaterThan(25);
});

test('the defaults of the reference page are those of a submission', async () => {
  const page = await readFile(PAGE, 'utf8');
  const listed = Object.fromEntries(
    [...page.matchAll(/^\| `([\w.]+)` \| `?([^`| ]+)`?/gm)].map(([, field, text]) => [field, text]),
  );
  const spec = readSubmission({ image: 'busybox' }, '', []);
  expect(listed).toMatchObject({ priority: '50', profile: spec.profile, network: spec.network, pull: spec.pull });
  expect(parseCpu(listed['resources.cpu'])).toMatchObject({ value: spec.request.cpuMillis });
  expect(parseMemory(listed['resources.memory'])).toMatchObject({ value: spec.request.memoryBytes });
  expect(parseMemory(listed['resources.storage'])).toMatchObject({ value: spec.request.storageBytes });
  expect(parseDurationMs(listed.stopGrace)).toMatchObject({ value: spec.stopGraceMs });
  expect(parseMemory(listed.logLimit)).toMatchObject({ value: spec.logLimitBytes });
  expect(spec.retry).toEqual(TASK_DEFAULTS.retry);
});
