import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Task } from '../model/task.ts';
import type { QuotaState } from '../model/tenancy.ts';
import type { Worker } from '../model/worker.ts';
import type { PlacementPolicy } from '../policy/policy.ts';
import { placementPolicies, placementPolicy } from '../policy/registry.ts';
import { naivePlan } from '../testing/naive-plan.ts';
import { type Amounts, gpuDevice, resources, roomOf, specRow, taskRow, workerRow } from '../testing/rows.ts';
import { type PlaceView, type Plan, place } from './place.ts';
import { WaitingQueue } from './queue.ts';

const roundRobin = placementPolicy('round-robin')!;
const greedy = placementPolicy('greedy')!;
const balanced = placementPolicy('balanced')!;

interface Scene {
  readonly workers: readonly Worker[];
  readonly tasks: readonly Task[];
  readonly cursor?: string | null;
  readonly quota?: (namespace: string) => QuotaState | null;
  readonly failedOn?: (task: Task) => readonly string[];
}

function viewOf({ workers, tasks, cursor = null, quota = () => null, failedOn = () => [] }: Scene): PlaceView {
  const queue = new WaitingQueue();
  for (const row of tasks) queue.add(row, failedOn(row));
  return { queue, workers: workers.map(roomOf), cursor, quota };
}

function tasksOf(...amounts: Amounts[]): Task[] {
  return amounts.map((amount, n) => taskRow(`t${n}`, specRow(amount), { sequence: n }));
}

function pairs(plan: Plan): string[] {
  return plan.assignments.map(({ taskId, workerId }) => `${taskId} ${workerId}`);
}

const twoSmall = [workerRow('w1', { cpu: 2 }), workerRow('w2', { cpu: 2 })];

describe('the pass', () => {
  test('C2-1: a task that does not fit does not hold up those behind it', () => {
    const plan = place(viewOf({ workers: twoSmall, tasks: tasksOf({ cpu: 1 }, { cpu: 3 }, { cpu: 1 }) }), greedy, 10);
    expect(pairs(plan)).toEqual(['t0 w1', 't2 w2']);
    expect(plan.blocked.map(({ class: group, reason }) => [group.request.cpuMillis, reason])).toEqual([[3000, 'room']]);
    expect(plan.more).toBe(false);
  });

  test('E-21: what is placed early in a pass is not there for what comes later', () => {
    const plan = place(
      viewOf({ workers: twoSmall, tasks: tasksOf({ cpu: 2 }, { cpu: 1 }, { cpu: 2 }, { cpu: 1 }) }),
      greedy,
      10,
    );
    expect(pairs(plan)).toEqual(['t0 w1', 't1 w2', 't3 w2']);
  });

  test('it changes neither the queue nor the ledgers', () => {
    const view = viewOf({ workers: twoSmall, tasks: tasksOf({ cpu: 1 }, { cpu: 1 }) });
    const first = place(view, balanced, 10);
    expect(view.queue.size).toBe(2);
    expect(view.workers.map(({ ledger }) => ledger.allocated.cpuMillis)).toEqual([0, 0]);
    expect(place(view, balanced, 10)).toEqual(first);
  });

  test('it stops at the limit, says that there is more, and goes on there', () => {
    const view = viewOf({ workers: twoSmall, tasks: tasksOf({ cpu: 1 }, { cpu: 1 }, { cpu: 1 }) });
    const plan = place(view, roundRobin, 2);
    expect(pairs(plan)).toEqual(['t0 w1', 't1 w2']);
    expect([plan.more, plan.cursor, plan.blocked]).toEqual([true, 'w2', []]);
    expect(place(view, roundRobin, 3).more).toBe(false);
  });

  test('nothing to do', () => {
    expect(place(viewOf({ workers: [], tasks: tasksOf({ cpu: 1 }) }), greedy, 10).blocked).toHaveLength(1);
    expect(place(viewOf({ workers: twoSmall, tasks: [] }), roundRobin, 10)).toEqual({
      assignments: [],
      cursor: null,
      blocked: [],
      promised: [],
      preemptions: [],
      more: false,
    });
  });

  test('workers that take no work get none', () => {
    const workers = [
      workerRow('w1', { cpu: 9 }, { state: 'suspect' }),
      workerRow('w2', { cpu: 9 }, { drain: { since: 0, deadlineAt: null, reason: null } }),
      workerRow('w3', { cpu: 9 }, { unhealthy: 'disk full' }),
      workerRow('w4', { cpu: 9 }, { connected: false }),
      workerRow('w5', { cpu: 1 }),
    ];
    for (const policy of placementPolicies())
      expect(pairs(place(viewOf({ workers, tasks: tasksOf({ cpu: 1 }, { cpu: 1 }) }), policy, 10))).toEqual(['t0 w5']);
  });

  test('it says who placed a task and with which score', () => {
    const plan = place(viewOf({ workers: [workerRow('w1', { cpu: 4 })], tasks: tasksOf({ cpu: 1 }) }), balanced, 1);
    expect(plan.assignments).toEqual([
      { taskId: 't0', workerId: 'w1', placedBy: 'balanced/1: headroom 0.75', gpus: [] },
    ]);
  });
});

describe('quotas', () => {
  test('a namespace gets no more than its quota, and others go on', () => {
    const tasks = tasksOf({ cpu: 1 }, { cpu: 1 }, { cpu: 1 }, { cpu: 1 }).map((row, n) => ({
      ...row,
      namespace: n === 3 ? 'other' : 'small',
    }));
    const limits: Record<string, QuotaState> = { small: { limit: resources({ cpu: 3 }), used: resources({ cpu: 1 }) } };
    const view = viewOf({ workers: [workerRow('w1', { cpu: 9 })], tasks, quota: (name) => limits[name] ?? null });
    const plan = place(view, greedy, 10);
    expect(pairs(plan)).toEqual(['t0 w1', 't1 w1', 't3 w1']);
    expect(plan.blocked.map(({ reason }) => reason)).toEqual(['quota']);
  });

  test('bound the custom resources that they name, down to none, and no others', () => {
    const custom = { licence: 1, fpga: 1, token: 1 };
    const limit = resources({ cpu: 9, custom: { licence: 1, token: 0 } });
    const tasks = tasksOf(
      { cpu: 1, custom: { fpga: 1 } },
      { cpu: 1, custom: { licence: 1 } },
      { cpu: 1, custom: { licence: 1, fpga: 1 } },
      { cpu: 1, custom: { token: 1 } },
    );
    const workers = [workerRow('w1', { cpu: 9, custom }), workerRow('w2', { cpu: 9, custom })];
    const plan = place(viewOf({ workers, tasks, quota: () => ({ limit, used: resources({}) }) }), greedy, 10);
    expect(plan.assignments.map(({ taskId }) => taskId)).toEqual(['t0', 't1']);
    expect(plan.blocked.map(({ reason }) => reason)).toEqual(['quota', 'quota']);
  });
});

describe('workers to be avoided', () => {
  const task = taskRow('t', specRow({ cpu: 1 }), { suspectWorkers: ['w1'] });

  test('are left out while another one could ever take the task, even if that one is full now', () => {
    expect(pairs(place(viewOf({ workers: twoSmall, tasks: [task] }), greedy, 1))).toEqual(['t w2']);
    const view = viewOf({ workers: twoSmall, tasks: [task] });
    view.workers[1]!.ledger.reserve(resources({ cpu: 2 }));
    expect(place(view, greedy, 1).blocked).toHaveLength(1);
  });

  test('a larger task may have only them left where a smaller one still waits for others', () => {
    const workers = [workerRow('w1', { cpu: 4 }), workerRow('w2', { cpu: 1 })];
    const tasks = tasksOf({ cpu: 1 }, { cpu: 2 }).map((row) => ({ ...row, suspectWorkers: ['w1'] }));
    const view = viewOf({ workers, tasks });
    view.workers[1]!.ledger.reserve(resources({ cpu: 1 }));
    expect(pairs(place(view, greedy, 10))).toEqual(['t1 w1']);
  });

  test('are taken when nobody else ever could', () => {
    const workers = [workerRow('w1', { cpu: 2 }), workerRow('w2', { cpu: 0.5 })];
    for (const policy of placementPolicies())
      expect(pairs(place(viewOf({ workers, tasks: [task] }), policy, 1))).toEqual(['t w1']);
  });
});

describe('workers where the cluster failed a task', () => {
  const task = taskRow('t', specRow({ cpu: 1 }));
  const workers = ['w1', 'w2', 'w3'].map((id, n) => workerRow(id, { cpu: 4 - n }));

  test('come after the others, among which the policy chooses as ever', () => {
    for (const policy of [greedy, balanced]) {
      const plan = place(viewOf({ workers, tasks: [task], failedOn: () => ['w1'] }), policy, 1);
      expect(pairs(plan)).toEqual(['t w2']);
      expect(plan.assignments[0]!.placedBy).toMatch(/; not w1, where it failed$/);
    }
    expect(
      pairs(place(viewOf({ workers, tasks: [task], cursor: 'w1', failedOn: () => ['w2'] }), roundRobin, 1)),
    ).toEqual(['t w3']);
  });

  test('are taken when no other has room now, without waiting for one', () => {
    for (const policy of [roundRobin, greedy, balanced]) {
      const view = viewOf({ workers, tasks: [task], failedOn: () => ['w1', 'w3'] });
      view.workers[1]!.ledger.reserve(resources({ cpu: 3 }));
      const plan = place(view, policy, 1);
      expect(pairs(plan)).toEqual(['t w1']);
      expect(plan.assignments[0]!.placedBy).toMatch(/; failed here before, no other worker has room$/);
    }
  });

  test('are as good as any for other tasks of the same kind', () => {
    const tasks = [task, taskRow('u', specRow({ cpu: 1 }), { sequence: 1 })];
    const view = viewOf({ workers, tasks, failedOn: ({ id }) => (id === 't' ? ['w1'] : []) });
    expect(view.queue.classCount).toBe(2);
    expect(pairs(place(view, greedy, 2))).toEqual(['t w2', 'u w1']);
  });
});

describe('round-robin', () => {
  const workers = ['w1', 'w2', 'w3'].map((id) => workerRow(id, { cpu: 2 }));

  test('C4-6: starts after the worker chosen last, in the order of ids, and comes round', () => {
    const plan = place(
      viewOf({ workers, tasks: tasksOf({ cpu: 1 }, { cpu: 1 }, { cpu: 1 }), cursor: 'w2' }),
      roundRobin,
      10,
    );
    expect(pairs(plan)).toEqual(['t0 w3', 't1 w1', 't2 w2']);
    expect(plan.cursor).toBe('w2');
  });

  test('passes over workers without room', () => {
    const view = viewOf({ workers, tasks: tasksOf({ cpu: 2 }, { cpu: 2 }), cursor: 'w3' });
    view.workers[0]!.ledger.reserve(resources({ cpu: 1 }));
    expect(pairs(place(view, roundRobin, 10))).toEqual(['t0 w2', 't1 w3']);
  });

  test('goes on where a worker was that is gone', () => {
    expect(pairs(place(viewOf({ workers, tasks: tasksOf({ cpu: 1 }), cursor: 'w25' }), roundRobin, 10))).toEqual([
      't0 w3',
    ]);
    expect(pairs(place(viewOf({ workers, tasks: tasksOf({ cpu: 1 }), cursor: 'w9' }), roundRobin, 10))).toEqual([
      't0 w1',
    ]);
  });

  test('leaps over long rows of full workers without missing one with room', () => {
    const many = Array.from({ length: 300 }, (_, n) => workerRow(`w${n + 100}`, { cpu: 2 }));
    const tasks = tasksOf(...Array.from({ length: 90 }, (_, n) => ({ cpu: n % 3 === 0 ? 2 : 1 })));
    const view = viewOf({ workers: many, tasks, cursor: 'w100' });
    const free = (n: number) => n > 120 && (n % 7 === 3 || n % 11 === 4);
    for (const [n, room] of view.workers.entries()) if (!free(n)) room.ledger.reserve(resources({ cpu: 1.5 }));
    const plan = place(view, roundRobin, 100);
    expect(pairs(plan)).toEqual(naivePlan(view, roundRobin, tasks));
    expect(plan.assignments.length).toBeGreaterThan(50);
    expect(plan.blocked).toHaveLength(2);
  });
});

describe('greedy', () => {
  test('takes the worker with the most free CPU, the smaller id among equals', () => {
    const workers = [workerRow('w1', { cpu: 8 }), workerRow('w2', { cpu: 8 }), workerRow('w3', { cpu: 9, memory: 1 })];
    const plan = place(viewOf({ workers, tasks: tasksOf({ cpu: 2 }, { cpu: 2 }, { cpu: 2 }, { cpu: 2 }) }), greedy, 10);
    expect(pairs(plan)).toEqual(['t0 w3', 't1 w1', 't2 w2', 't3 w3']);
  });

  test('A0-T5: of 2 and 6 available CPU it takes 6', () => {
    const view = viewOf({
      workers: [workerRow('w1', { cpu: 8 }), workerRow('w2', { cpu: 8 })],
      tasks: tasksOf({ cpu: 1 }),
    });
    view.workers[0]!.ledger.reserve(resources({ cpu: 6 }));
    view.workers[1]!.ledger.reserve(resources({ cpu: 2 }));
    expect(pairs(place(view, greedy, 1))).toEqual(['t0 w2']);
  });
});

describe('balanced', () => {
  test('keeps the fullest resource lowest', () => {
    const workers = [workerRow('w1', { cpu: 16, memory: 4 }), workerRow('w2', { cpu: 4, memory: 16 })];
    const tasks = tasksOf({ cpu: 1, memory: 2 }, { cpu: 2, memory: 1 }, { cpu: 1, memory: 1 });
    expect(pairs(place(viewOf({ workers, tasks }), balanced, 10))).toEqual(['t0 w2', 't1 w1', 't2 w1']);
  });
});

describe('any small cluster', () => {
  const amounts: fc.Arbitrary<Amounts> = fc.record({
    cpu: fc.integer({ min: 0, max: 3 }),
    memory: fc.nat(3),
    gpu: fc.constantFrom(0, 0, 0.5, 0.6, 1, 2),
    custom: fc.constantFrom({}, {}, { licence: 1 }),
  });
  const worker = fc.record({
    size: fc.record({ cpu: fc.nat(6), memory: fc.nat(6), gpu: fc.nat(2), custom: fc.constantFrom({}, { licence: 2 }) }),
    rest: fc.constantFrom<Partial<Worker>>({}, {}, {}, { labels: { zone: 'a' } }, { state: 'suspect' }),
    taken: amounts,
  });
  // Few kinds of requests, so that classes have several tasks and take turns.
  const task = fc.record({
    kind: fc.nat(),
    rest: fc.constantFrom<Partial<Task['spec']>>(
      {},
      {},
      {},
      { selector: { zone: 'a' } },
      { targetWorker: 'w1' },
      { targetWorker: 'w9' },
    ),
    priority: fc.constantFrom(50, 50, 60),
    namespace: fc.constantFrom('default', 'limited'),
    suspectWorkers: fc.constantFrom([], [], ['w0'], ['w0', 'w1']),
    failedOn: fc.constantFrom([], [], ['w0'], ['w1', 'w2']),
  });

  test('is planned as by trying every task on every worker', () => {
    fc.assert(
      fc.property(
        fc.array(worker, { maxLength: 5 }),
        fc.array(amounts, { minLength: 1, maxLength: 3 }),
        fc.array(task, { maxLength: 20 }),
        fc.constantFrom(...placementPolicies().filter(({ kind }) => kind !== 'drawing'), packing),
        fc.constantFrom(null, 'w0', 'w1', 'w7'),
        (workers, kinds, tasks, policy, cursor) => {
          const rows = tasks.map((one, n) => {
            const { priority, namespace, suspectWorkers } = one;
            return taskRow(`t${n}`, specRow(kinds[one.kind % kinds.length]!, one.rest), {
              sequence: n,
              priority,
              namespace,
              suspectWorkers,
            });
          });
          const quota = (namespace: string): QuotaState | null =>
            namespace === 'limited'
              ? { limit: resources({ cpu: 4, memory: 5, gpu: 1 }), used: resources({ cpu: 1 }) }
              : null;
          const scene = {
            workers: workers.map(({ size, rest }, n) => workerRow(`w${n}`, size, rest)),
            tasks: rows,
            cursor,
            quota,
            failedOn: ({ sequence }: Task) => tasks[sequence]!.failedOn,
          };
          const view = viewOf(scene);
          for (const [n, room] of view.workers.entries()) {
            const taken = resources(workers[n]!.taken);
            if (room.ledger.fits(taken)) room.ledger.reserve(taken);
          }
          const plan = place(view, policy, 100);
          expect(pairs(plan)).toEqual(naivePlan(view, policy, rows, scene.failedOn));
          const placed = new Set(plan.assignments.map(({ taskId }) => taskId));
          const blocked = new Set(plan.blocked.map((one) => one.class));
          for (const row of rows) expect(placed.has(row.id) || blocked.has(view.queue.classOf(row.id)!)).toBe(true);
          expect(pairs(place(view, policy, 3))).toEqual(pairs(plan).slice(0, 3));
        },
      ),
      { numRuns: 1500 },
    );
  });
});

describe('a cluster large enough for heaps and chunks', () => {
  test('a worker that other tasks made attractive is still not for those whose labels it lacks', () => {
    const rows = Array.from({ length: 600 }, (_, n) =>
      workerRow(`w${1000 + n}`, { cpu: n === 1 ? 8 : 9 }, n % 4 === 0 ? { labels: { zone: 'a' } } : {}),
    );
    const tasks = Array.from({ length: 20 }, (_, n) =>
      taskRow(`t${n}`, specRow({ cpu: 0.1 }, { selector: n % 2 === 0 ? { zone: 'a' } : {} }), { sequence: n }),
    );
    const plan = place(viewOf({ workers: rows, tasks }), packing, 100);
    expect(plan.assignments.map(({ workerId }) => workerId)).toEqual(
      tasks.map((_, n) => (n % 2 === 0 ? 'w1000' : 'w1001')),
    );
  });

  const kind = fc.record({
    amounts: fc.record({
      cpu: fc.integer({ min: 1, max: 12 }).map((n) => n / 4),
      memory: fc.nat(2),
      gpu: fc.constantFrom(0, 0, 0.25, 0.5, 0.6, 1, 2),
    }),
    models: fc.constantFrom(undefined, undefined, ['T4'], ['T4', 'A10']),
    selector: fc.constantFrom({}, {}, { zone: 'a' }),
  });
  const scene = fc.record({
    workers: fc.integer({ min: 33, max: 700 }),
    kinds: fc.array(kind, { minLength: 1, maxLength: 4 }),
    // Kinds in runs, one after the other, or in turn: classes come back at once, after a while, or every few tasks.
    inTurn: fc.boolean(),
    runs: fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 40 })), { minLength: 1, maxLength: 8 }),
    full: fc.nat(7),
    policy: fc.constantFrom(...placementPolicies().filter(({ kind }) => kind === 'scoring'), packing),
  });

  test('is planned as by trying every task on every worker', () => {
    fc.assert(
      fc.property(scene, ({ workers, kinds, runs, inTurn, full, policy }) => {
        const rows = Array.from({ length: workers }, (_, n) => {
          const size = { cpu: 2 + (n % 3), memory: 3, gpu: n % 3 };
          const row = workerRow(`w${1000 + n}`, size, n % 4 === 0 ? { labels: { zone: 'a' } } : {});
          // Some workers have GPUs of two models.
          const gpus = Array.from({ length: n % 3 }, (_, d) => gpuDevice(d, (n + d) % 5 === 0 ? 'T4' : 'A10'));
          return { ...row, capacity: { ...row.capacity!, gpus } };
        });
        const order = runs.flatMap(([which, length]) =>
          Array.from({ length }, (_, n) => kinds[(inTurn ? n : which) % kinds.length]!),
        );
        const tasks = order.map(({ amounts, selector, models }, n) => {
          const terms = models === undefined ? {} : { terms: { gpuModels: models } };
          return taskRow(`t${n}`, specRow(amounts, { selector, ...terms }), { sequence: n });
        });
        const demand = kinds.map(({ amounts, models }, n) => {
          return { request: resources(amounts), gpuModels: models ?? [], count: n + 1 };
        });
        const view = { ...viewOf({ workers: rows, tasks }), knowledge: { demand, now: 0 } };
        // Most workers have something on them already, so that there is not much room and scores differ.
        for (const [n, { ledger }] of view.workers.entries())
          if ((n * 31) % 8 < full) ledger.reserve(resources({ cpu: ((n * 17) % 8) / 4 }));
        expect(pairs(place(view, policy, 1000))).toEqual(naivePlan(view, policy, tasks));
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

/** Unlike the others it prefers a worker more with everything that is placed on it. */
const packing: PlacementPolicy = {
  kind: 'scoring',
  name: 'packing',
  version: 1,
  summary: 'The fullest worker.',
  source: 'test',
  prepare: ({ freeCpuMillis }) => ({
    spreads: false,
    ceiling: null,
    score(_request, rows, count, scores) {
      for (let i = 0; i < count; i++) scores[i] = -freeCpuMillis[rows[i]!]!;
    },
    parts: () => ({}),
  }),
};
