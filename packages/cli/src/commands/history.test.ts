import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { aTask, aWorker } from '@cloudai/sdk/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withMaster } from '../testing/with-master.ts';

const cluster = withMaster();
let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-history-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const ended = (id: string, minute: number) =>
  aTask({ id, state: 'completed', submittedAt: at(minute), startedAt: at(minute + 1), endedAt: at(minute + 3) });

test('what was exported replays through the schedulers', async () => {
  cluster.master.workers.set('worker-1', aWorker());
  for (const [n, id] of ['aaaabbbbccccdddd', 'bbbbbbbbccccdddd', 'ccccbbbbccccdddd'].entries())
    cluster.master.addTask({ task: ended(id, n) });
  cluster.master.addTask({ task: aTask({ id: 'ddddbbbbccccdddd', state: 'running', endedAt: null }) });
  const file = path.join(folder, 'history.ndjson');
  expect(await cluster.run(['history', 'export', file])).toMatchObject({
    ...{ code: 0, stderr: '', stdout: `Wrote 1 workers and 3 tasks to ${file}.\n` },
  });
  expect(fs.readdirSync(folder)).toEqual(['history.ndjson']);
  const replayed = await cluster.json(`sim compare --workload history:${file} --timing ideal --schedulers best-fit`);
  expect(replayed).toMatchObject([{ scheduler: 'best-fit', jobs: 3, completed: 3 }]);
});

test('since a while ago is written with or without a minus', async () => {
  const now = Date.now();
  for (const [n, hours] of [1, 30].entries()) {
    const [submittedAt, endedAt] = [hours, hours - 0.5].map((ago) => new Date(now - ago * 3_600_000).toISOString());
    cluster.master.addTask({
      task: aTask({ id: `task${n}bbbbccccdddd`, state: 'completed', submittedAt: submittedAt!, endedAt: endedAt! }),
    });
  }
  const file = path.join(folder, 'history.ndjson');
  const export_ = async (since: string) => (await cluster.json(`history export ${file} --since ${since}`)) as object;
  for (const since of ['24h', '-24h', '1d']) expect(await export_(since), since).toMatchObject({ tasks: 1 });
  expect(await export_('-7d')).toMatchObject({ tasks: 2 });
  expect((await cluster.run(['history', 'export', file, '--since', 'lately'])).code).toBe(2);
});

test('a place that can not be written is said before anything is asked', async () => {
  const { code, stderr } = await cluster.run(['history', 'export', path.join(folder, 'no', 'such', 'file')]);
  expect([code, stderr]).toEqual([2, expect.stringContaining('can not be written')]);
});
