import { expect, test } from 'vitest';
import { scheduler } from '../cluster/scheduler.ts';
import { REALISTIC } from '../cluster/timing.ts';
import { replay } from '../cluster/virtual-cluster.ts';
import { recordedTraces } from '../testing/traces.ts';
import { TraceFolder } from '../traces/folder.ts';
import { recordedWorkload } from './choose.ts';
import { parseHistory } from './history.ts';
import { madeOutages } from './outages.ts';
import { cleanJobs } from './recorded.ts';
import { SYNTHETIC, synthetic } from './synthetic.ts';

const resources = { cpuMillis: 1000, memoryBytes: 1, storageBytes: 0, gpuMillis: 0, custom: {} };
const worker = {
  kind: 'worker',
  id: 'w',
  total: { ...resources, cpuMillis: 2000, memoryBytes: 2 },
  gpus: [],
  labels: {},
};
const task = {
  kind: 'task',
  ...{ id: 't1', owner: 'ann', image: 'busybox', priority: 50, resources, state: 'completed' },
  submittedAt: '2026-01-01T00:00:01.000Z',
  startedAt: '2026-01-01T00:00:05.000Z',
  endedAt: '2026-01-01T00:00:15.500Z',
};
const history = (...lines: unknown[]) => ({ name: 'h', text: lines.map((line) => JSON.stringify(line)).join('\n') });

test('an exported history replays: run times as they were, waits anew', () => {
  const earlier = { ...task, id: 't0', submittedAt: '2026-01-01T00:00:00.000Z' };
  const never = { ...task, id: 't2', startedAt: null, endedAt: null };
  const workload = parseHistory(history(worker, task, earlier, never));
  expect(workload.jobs.map(({ id, submitMs, runMs }) => [id, submitMs, runMs])).toEqual([
    ['t0', 0, 10_500],
    ['t1', 1_000, 10_500],
  ]);
  const { jobs } = replay(workload, { scheduler: scheduler('best-fit') });
  expect(jobs.map(({ startMs }) => startMs)).toEqual([0, 1_000]);
});

test.each([
  [[worker], 'no task that ran and ended'],
  [[task], 'no worker whose capacity is known'],
  [[{ kind: 'node' }], 'line 1: kind is "node", not worker or task'],
  [[worker, { ...task, priority: 'high' }], 'line 2: a task has an id'],
  [[worker, { ...task, endedAt: 'soon' }], 'line 2: soon is no time'],
])('a history that is none is refused (%#)', (lines, message) => {
  expect(() => parseHistory(history(...lines))).toThrow(message);
});

test('records that can not be replayed are left out, or counted as the published experiments did', () => {
  const job = { number: 1, submit: 0, run: null, processors: 1, requestedTime: 60, status: 5, user: 1 };
  const log = { name: 'l', processors: 4, jobs: [job, { ...job, number: 2, run: 90 }, { ...job, number: 3, run: 0 }] };
  expect(cleanJobs(log, { clean: 'drop', cut: true }).map(({ number, run }) => [number, run])).toEqual([[2, 60]]);
  expect(cleanJobs(log, { clean: 'rls', cut: false }).map(({ number, run }) => [number, run])).toEqual([
    [1, 10],
    [2, 90],
  ]);
});

test('made workloads: as many as asked for, in time, each fits somewhere, nights are quiet', () => {
  const { jobs, workers } = synthetic({ ...SYNTHETIC, jobs: 2_000, workers: 3, load: 0.02, daily: true, seed: 4 });
  expect([jobs.length, workers.length, new Set(jobs.map(({ id }) => id)).size]).toEqual([2_000, 3, 2_000]);
  expect(jobs.every((job, at) => at === 0 || job.submitMs >= jobs[at - 1]!.submitMs)).toBe(true);
  const largest = Math.max(...workers.map(({ capacity }) => capacity.resources.gpuMillis));
  expect(jobs.every(({ request }) => request.gpuMillis <= largest)).toBe(true);
  const byNight = jobs.filter(({ submitMs }) => (submitMs % 86_400_000) / 3_600_000 < 8).length;
  expect(byNight / jobs.length).toBeLessThan(0.2);
});

test('outages come in bunches, one at a time for each worker, and cost no job', () => {
  const workload = synthetic({ ...SYNTHETIC, jobs: 300, failing: 0 });
  const outages = madeOutages(workload, 6, 5);
  expect(outages).toHaveLength(6);
  for (const one of outages)
    for (const other of outages)
      if (one !== other && one.workerId === other.workerId)
        expect(one.toMs < other.fromMs || other.toMs < one.fromMs).toBe(true);
  const { jobs } = replay(workload, { scheduler: scheduler('balanced'), timing: REALISTIC, outages });
  expect(jobs.filter((job) => !job.completed)).toEqual([]);
  expect(jobs.some((job) => job.runs.length > 1)).toBe(true);
});

test('what is no workload is refused with what is one', () => {
  const choice = { load: 1, take: null, nodes: 'small', from: 0, traces: () => TraceFolder.open(undefined) };
  expect(() => recordedWorkload({ ...choice, what: 'slurm' })).toThrow('slurm is no workload: swf:NAME, openb:LIST,');
  expect(() => recordedWorkload({ ...choice, what: 'swf:kth' })).toThrow('use --traces DIR');
});

const recorded = recordedTraces();

test.skipIf(recorded === null).each([
  ['swf:hpc2n-head', 1],
  ['openb:default', 2],
  ['philly', 1],
  ['gavel:physical_max_min_fairness', 1],
])('%s replays to its end', (what, load) => {
  const choice = { what, load, take: 800, nodes: 'small', from: 9_936_000, traces: () => recorded! };
  const workload = recordedWorkload(choice);
  const { jobs } = replay(workload, { scheduler: scheduler('best-fit') });
  expect(jobs.length).toBeGreaterThan(30);
  expect(jobs.filter((job) => !job.completed)).toEqual([]);
});
