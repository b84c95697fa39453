import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runHere } from '../testing/run.ts';

/** For a machine that has other things to do. */
const TIME_LIMIT_MS = 120_000;

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-sim-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

test(
  'compare prints a table and writes figures, a report and what was decided',
  async () => {
    const [csv, html, logs] = ['figures.csv', 'report.html', 'logs'].map((name) => path.join(folder, name));
    const files = ['--csv', csv!, '--html', html!, '--logs', logs!];
    const ran = await runHere([
      'sim',
      'compare',
      '--schedulers',
      'balanced,best-fit/saf/easy',
      '--outages',
      '2',
      ...files,
    ]);
    expect([ran.code, ran.stdout.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^SCHEDULER +MAKESPAN +MEAN WAIT/),
    ]);
    expect(fs.readFileSync(csv!, 'utf8').split('\n')[1]).toMatch(/^balanced,100,100,/);
    expect(fs.readFileSync(html!, 'utf8')).toMatch(/^<!doctype html>/);
    expect(fs.readdirSync(logs!)).toEqual(['timeline-balanced.csv', 'timeline-best-fit-saf-easy.csv']);
  },
  TIME_LIMIT_MS,
);

test.each([
  [['compare', '--schedulers', 'fastest'], 'There is no scheduler fastest; there are round-robin,'],
  [['compare', '--schedulers', 'fgd/lifo'], 'There is no order lifo; there are priority,'],
  [['compare', '--jobs', '0'], '--jobs has to be at least 1.'],
  [['compare', '--workload', 'swf:x'], 'No traces are given: use --traces DIR or set CLOUDAI_TRACES.'],
  [['compare', '--outages', '1', '--timing', 'ideal'], '--outages needs --timing realistic'],
  [['packing', '--seeds', 'many'], 'Seeds are expected, as 42-51 or 42,43.'],
  [['packing', '--traces', '/no/such/folder'], '/no/such/folder is no folder'],
  [['batch'], 'No traces are given'],
])('what can not be done is said: %j', async (args, message) => {
  const { code, stderr } = await runHere(['sim', ...args], { env: { CLOUDAI_TRACES: undefined } });
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});
