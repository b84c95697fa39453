import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Resources } from '../model/resources.ts';
import { type Backfill, orderingPolicy } from '../policy/ordering-registry.ts';
import { placementPolicy } from '../policy/registry.ts';
import { roomOf, specRow, taskRow, workerRow } from '../testing/rows.ts';
import { place } from './place.ts';
import { WaitingQueue } from './queue.ts';
import { Reservations } from './reservations.ts';

interface Job {
  readonly arrives: number;
  readonly cpu: number;
  readonly runs: number;
}

interface Outcome {
  /** By job: when it was first promised to start, and when it started. */
  readonly promised: Map<string, number>;
  readonly started: Map<string, number>;
}

/** Workers of eight cores; each job runs exactly as long as it is expected to. */
function replay(jobs: readonly Job[], backfill: Backfill, workers = ['w1', 'w2']): Outcome {
  const rooms = workers.map((id) => roomOf(workerRow(id, { cpu: 8 })));
  const rows = jobs.map(({ arrives, cpu, runs }, n) =>
    taskRow(`j${n}`, specRow({ cpu }, { terms: { expectedMs: runs } }), { sequence: n, submittedAt: arrives }),
  );
  const queue = new WaitingQueue();
  const running: { workerId: string; endsAt: number; request: Resources }[] = [];
  const outcome: Outcome = { promised: new Map(), started: new Map() };
  let next = 0;
  while (outcome.started.size < jobs.length) {
    const now = Math.min(jobs[next]?.arrives ?? Number.POSITIVE_INFINITY, ...running.map(({ endsAt }) => endsAt));
    for (const one of running.filter(({ endsAt }) => endsAt <= now)) {
      rooms.find(({ worker }) => worker.id === one.workerId)!.ledger.release(one.request, []);
      running.splice(running.indexOf(one), 1);
    }
    for (; next < rows.length && jobs[next]!.arrives <= now; next++) queue.add(rows[next]!);
    const policy = orderingPolicy('fifo')!;
    const limits = { starvationMs: null, ageingSeconds: null, usageOf: () => 0 };
    const order = { policy, backfill, now, beganAt: 0, ...limits };
    const view = { queue, workers: rooms, cursor: null, quota: () => null, order };
    const at = (id: string) => running.filter(({ workerId }) => workerId === id);
    const plan = place({ ...view, running: at }, placementPolicy('best-fit')!, 1000);
    for (const { taskId, startAt } of plan.promised)
      if (!outcome.promised.has(taskId)) outcome.promised.set(taskId, startAt!);
    for (const { taskId, workerId } of plan.assignments) {
      const job = jobs[Number(taskId.slice(1))]!;
      const { request } = queue.classOf(taskId)!;
      rooms.find(({ worker }) => worker.id === workerId)!.ledger.reserve(request);
      running.push({ workerId, endsAt: now + job.runs, request });
      queue.remove(taskId);
      outcome.started.set(taskId, now);
    }
  }
  return outcome;
}

const workload = fc
  .array(
    fc.record({ arrives: fc.nat(50), cpu: fc.integer({ min: 1, max: 8 }), runs: fc.integer({ min: 1, max: 30 }) }),
    {
      minLength: 1,
      maxLength: 25,
    },
  )
  .map((jobs) => jobs.toSorted((a, b) => a.arrives - b.arrives));

// With several workers the conservative promises behind the first may move, as each pass makes them anew.
test.each([
  ['easy', ['w1', 'w2']],
  ['easy', ['w1']],
  ['conservative', ['w1']],
] as const)('%s on %j: nobody starts later than was promised first', (backfill, workers) => {
  fc.assert(
    fc.property(workload, (jobs) => {
      const { promised, started } = replay(jobs, backfill, [...workers]);
      for (const [id, at] of promised) expect(started.get(id)!, id).toBeLessThanOrEqual(at);
    }),
    { numRuns: 300 },
  );
});

test('strict: everybody starts in the order of arrival', () => {
  fc.assert(
    fc.property(workload, (jobs) => {
      const starts = [...replay(jobs, 'strict').started].map(([id, at]) => [Number(id.slice(1)), at] as const);
      const sorted = starts.toSorted(([a], [b]) => a - b).map(([, at]) => at);
      expect(sorted).toEqual(sorted.toSorted((a, b) => a - b));
    }),
    { numRuns: 200 },
  );
});

test('a barred worker takes nobody else, whatever is known', () => {
  const free = specRow({ cpu: 4 }).request;
  const reservations = new Reservations(0, () => ({ free, running: [] }));
  reservations.bar(0, free);
  expect(reservations.admits(0, specRow({ cpu: 1 }).request, 1)).toBe(false);
  expect(reservations.admits(1, specRow({ cpu: 1 }).request, null)).toBe(true);
  expect(reservations.promise([0], specRow({ cpu: 1 }).request, 1)).toBe(null);
});
