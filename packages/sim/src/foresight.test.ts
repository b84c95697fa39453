import { expect, test } from 'vitest';
import { scheduler, schedulerNames } from './cluster/scheduler.ts';
import { foresight } from './foresight.ts';
import { specOf } from './workload/job.ts';
import { SYNTHETIC, synthetic } from './workload/synthetic.ts';

const SEED = 11;
const workload = synthetic({ ...SYNTHETIC, jobs: 150, failing: 0, seed: SEED });
const moments = [0.2, 0.5, 0.8].map((share) => Math.round(workload.jobs.at(-1)!.submitMs * share));

test.each(schedulerNames())(`%s decides the same whatever comes after (seed ${SEED})`, (name) => {
  for (const at of moments) expect(foresight(workload, { scheduler: scheduler(name) }, at, SEED)).toBeNull();
});

test('a scheduler that is told run times is caught', () => {
  const cheating = {
    scheduler: scheduler('best-fit'),
    spec: (job: Parameters<typeof specOf>[0]) => ({
      ...specOf(job),
      priority: job.runMs > 10_000 ? 0 : 100,
    }),
  };
  expect(moments.map((at) => foresight(workload, cheating, at, SEED))).toContainEqual(
    expect.objectContaining({ jobId: expect.any(String) }),
  );
});
