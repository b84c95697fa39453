import { expect, test } from 'vitest';
import type { JobRecord, Replay, Sample } from '../cluster/record.ts';
import { figuresOf, jain, quantile, resample } from './figures.ts';

function ran(jobId: string, user: string, submitMs: number, startMs: number, endMs: number): JobRecord {
  const run = { workerId: 'w', gpus: [], startMs, endMs, succeeded: true };
  return { jobId, user, submitMs, startMs, endMs, completed: true, runs: [run] };
}

function sample(at: number, cpuMillis: number, loadMean: number): Sample {
  return {
    at,
    queued: 0,
    running: 0,
    cpuMillis,
    memoryBytes: 0,
    gpuMillis: 0,
    fragmented: 0,
    loadMean,
    loadVariance: 0.25,
  };
}

const replay: Replay = {
  scheduler: 'one',
  workload: 'made',
  jobs: [ran('a', 'ann', 0, 0, 20_000), ran('b', 'bob', 0, 20_000, 21_000)],
  samples: [sample(0, 1000, 0.5), sample(20_000, 2000, 1), sample(21_000, 0, 0)],
  capacity: { cpuMillis: 2000, memoryBytes: 1, gpuMillis: 0 },
  decisions: { steps: 0, totalMs: 0, longestMs: 0 },
};

test('figures of two jobs, worked out by hand', () => {
  const figures = figuresOf(replay);
  expect(figures).toMatchObject({
    makespanMs: 21_000,
    meanWaitMs: 10_000,
    longestWaitMs: 20_000,
    // a: 1. b waited 20 s for a run of 1 s, which counts as 10 s.
    meanSlowdown: (1 + 2.1) / 2,
    gpuUtilisation: null,
    loadVariance: 0.25,
    starved: 0,
  });
  expect(figures.cpuUtilisation).toBeCloseTo((20 * 1000 + 1 * 2000) / 21 / 2000, 12);
  expect(figures.fairness).toBeCloseTo((3.1 * 3.1) / (2 * (1 + 2.1 * 2.1)), 12);
});

test('quantiles by the nearest rank, Jain’s index, means over parts of time', () => {
  expect([0.5, 0.95, 1].map((share) => quantile([1, 2, 3, 4], share))).toEqual([2, 4, 4]);
  expect([jain([1, 1, 1]), jain([1, 0, 0, 0]), jain([])]).toEqual([1, 0.25, 1]);
  expect([...resample(replay.samples, 0, 21_000, 2, (one) => one.cpuMillis)]).toEqual([
    1000,
    (9_500 * 1000 + 1_000 * 2000) / 10_500,
  ]);
});
