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

test('a place that can not be written is said before anything is asked', async () => {
  const { code, stderr } = await cluster.run(['history', 'export', path.join(folder, 'no', 'such', 'file')]);
  expect([code, stderr]).toEqual([2, expect.stringContaining('can not be written')]);
});
