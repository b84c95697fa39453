import { expect, test } from 'vitest';
import { GIB, type Job, NO_IMAGE, simWorker, type Workload } from '../workload/job.ts';
import { scheduler } from './scheduler.ts';
import { type Outage, REALISTIC } from './timing.ts';
import { replay } from './virtual-cluster.ts';

function job(id: string, submitMs: number, runMs: number, rest: Partial<Job> & { readonly cpu?: number } = {}): Job {
  const { cpu = 1, ...others } = rest;
  return {
    id,
    submitMs,
    runMs,
    estimateMs: null,
    request: { cpuMillis: cpu * 1000, memoryBytes: GIB, storageBytes: 0, gpuMillis: 0, custom: {} },
    gpuModels: [],
    user: 'ann',
    priority: 50,
    image: NO_IMAGE,
    failures: [],
    ...others,
  };
}

function workload(jobs: readonly Job[], cpus: readonly number[] = [2, 2]): Workload {
  const workers = cpus.map((cpu, n) => simWorker(`w${n}`, { cpuMillis: cpu * 1000, memoryBytes: 64 * GIB }));
  return { name: 'made', workers, jobs };
}

const choice = scheduler('round-robin');

test('without delays a job starts when it comes and ends when it has run', () => {
  const { jobs, samples } = replay(workload([job('a', 0, 1000), job('b', 500, 200)]), { scheduler: choice });
  expect(jobs).toMatchObject([
    { jobId: 'a', startMs: 0, endMs: 1000, completed: true, runs: [{ workerId: 'w0' }] },
    { jobId: 'b', startMs: 500, endMs: 700, completed: true, runs: [{ workerId: 'w1' }] },
  ]);
  expect(samples.map(({ at, cpuMillis }) => [at, cpuMillis])).toEqual([
    ...[
      [0, 1000],
      [500, 2000],
      [700, 1000],
      [1000, 0],
    ],
  ]);
});

test('one that finds no room waits for an end, and starts in that moment', () => {
  const { jobs } = replay(workload([job('a', 0, 1000, { cpu: 2 }), job('b', 10, 5, { cpu: 2 })], [2]), {
    scheduler: choice,
  });
  expect(jobs[1]).toMatchObject({ submitMs: 10, startMs: 1000, endMs: 1005 });
});

test('a failing attempt is tried again', () => {
  const { jobs } = replay(workload([job('a', 0, 1000, { failures: [0.5] })]), { scheduler: choice });
  expect(jobs[0]!.runs).toMatchObject([
    { startMs: 0, endMs: 500, succeeded: false },
    { startMs: 1500, endMs: 2500, succeeded: true },
  ]);
});

test('with delays: dispatch, pull, start and report take their time, the second pull of an image none', () => {
  const image = { name: 'big', bytes: 250_000_000 };
  const one = (id: string, at: number) => job(id, at, 1000, { image });
  const { jobs } = replay(workload([one('a', 0), one('b', 60_000)], [2]), { scheduler: choice, timing: REALISTIC });
  expect(jobs[0]!.startMs).toBeGreaterThanOrEqual(2_000 + REALISTIC.startMinMs);
  expect(jobs[1]!.startMs! - 60_000).toBeLessThan(REALISTIC.startMaxMs + 100);
});

test.each([false, true])('a worker that goes and comes back (partition: %s) costs time, no job', (partition) => {
  const outage: Outage = { workerId: 'w0', fromMs: 20_000, toMs: 200_000, partition };
  const jobs = Array.from({ length: 20 }, (_, n) => job(`j${n}`, n * 2000, 30_000));
  const result = replay(workload(jobs), { scheduler: choice, timing: REALISTIC, outages: [outage], seed: 3 });
  expect(result.jobs.every((record) => record.completed)).toBe(true);
  expect(result.jobs.some((record) => record.runs.length > 1)).toBe(true);
});

test('the same seed gives the same replay to the byte', () => {
  const jobs = Array.from({ length: 50 }, (_, n) => job(`j${n}`, n * 100, 5_000 + n));
  const once = () => JSON.stringify(replay(workload(jobs), { scheduler: choice, timing: REALISTIC, seed: 5 }));
  expect(once()).toBe(once());
});
