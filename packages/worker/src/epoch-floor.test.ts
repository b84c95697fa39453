import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EpochFloor } from './epoch-floor.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'epoch-test-'));
});
afterEach(() => rm(directory, { recursive: true }));

const load = (clusterId = 'c1') =>
  EpochFloor.load(directory, clusterId, (error) => {
    throw error;
  });

test('an epoch that is over is not accepted, also after a restart', async () => {
  const floor = await load();
  expect([3n, 3n, 5n, 4n, 5n].map((epoch) => floor.accept(epoch))).toEqual([true, true, true, false, true]);
  await floor.settled();
  const again = await load();
  expect([again.epoch, again.accept(4n), again.accept(5n)]).toEqual([5n, false, true]);
});

test('another cluster counts from its own beginning', async () => {
  const floor = await load();
  floor.accept(9n);
  await floor.settled();
  const other = await load('c2');
  expect(other.accept(1n)).toBe(true);
  await other.settled();
});

test('a file that is torn says nothing', async () => {
  await writeFile(path.join(directory, 'epoch.json'), '{"clus');
  const floor = await load();
  expect(floor.accept(1n)).toBe(true);
  await floor.settled();
});
