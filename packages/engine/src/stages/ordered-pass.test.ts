import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Task, TaskSpec } from '../model/task.ts';
import { type Backfill, orderingPolicies, orderingPolicy } from '../policy/ordering-registry.ts';
import { placementPolicy } from '../policy/registry.ts';
import { type Amounts, resources, roomOf, specRow, taskRow, workerRow } from '../testing/rows.ts';
import type { PassOrder } from './ordered-pass.ts';
import { type PlaceView, type Plan, place } from './place.ts';
import { WaitingQueue } from './queue.ts';
import type { Running } from './reservations.ts';

const MINUTE = 60_000;
const NOW = 1_000 * MINUTE;

interface Waiting {
  readonly cpu?: number;
  readonly minutes?: number | null;
  /** How long it waits already. */
  readonly waits?: number;
  readonly owner?: string;
  readonly priority?: number;
  readonly deadlineIn?: number;
}

function task(id: string, sequence: number, waiting: Waiting): Task {
  const { cpu = 1, minutes = 10, waits = 0, owner = 'ada', priority = 50, deadlineIn } = waiting;
  const spec: Partial<TaskSpec> = {
    priority,
    deadlineAt: deadlineIn === undefined ? null : NOW + deadlineIn * MINUTE,
    terms: { expectedMs: minutes === null ? null : minutes * MINUTE },
  };
  return taskRow(id, specRow({ cpu }, spec), { sequence, owner, submittedAt: NOW - waits * MINUTE });
}

interface Scene {
  readonly tasks: Readonly<Record<string, Waiting>>;
  readonly workers?: Readonly<Record<string, Amounts>>;
  readonly running?: Readonly<Record<string, readonly (readonly [cpu: number, minutesLeft: number])[]>>;
  readonly order?: Partial<PassOrder>;
}

function planOf(name: string, backfill: Backfill, scene: Scene): Plan {
  const queue = new WaitingQueue();
  // The longer it waits, the earlier it was submitted.
  const submitted = Object.entries(scene.tasks).toSorted(([, a], [, b]) => (b.waits ?? 0) - (a.waits ?? 0));
  for (const [n, [id, waiting]] of submitted.entries()) queue.add(task(id, n, waiting));
  const workers = Object.entries(scene.workers ?? { w: { cpu: 4 } }).map(([id, amounts]) =>
    roomOf(workerRow(id, amounts)),
  );
  const running = new Map<string, Running[]>();
  for (const { worker, ledger } of workers)
    for (const [cpu, left] of scene.running?.[worker.id] ?? []) {
      ledger.reserve(resources({ cpu }));
      const list = running.get(worker.id) ?? [];
      running.set(worker.id, [...list, { endsAt: NOW + left * MINUTE, request: resources({ cpu }) }]);
    }
  const order: PassOrder = {
    policy: orderingPolicy(name)!,
    backfill,
    now: NOW,
    beganAt: 0,
    starvationMs: null,
    ageingSeconds: null,
    usageOf: () => 0,
    ...scene.order,
  };
  const view: PlaceView = {
    queue,
    workers,
    cursor: null,
    quota: () => null,
    order,
    running: (id) => running.get(id) ?? [],
  };
  return place(view, placementPolicy('best-fit')!, 100);
}

function started(name: string, backfill: Backfill, scene: Scene): string[] {
  return planOf(name, backfill, scene).assignments.map(({ taskId }) => taskId);
}

/** The order in which tasks start that have room one after the other. */
function ranking(name: string, tasks: Readonly<Record<string, Waiting>>, order: Partial<PassOrder> = {}): string[] {
  return started(name, 'greedy', { tasks, workers: { w: { cpu: 1000 } }, order });
}

describe('orders', () => {
  test('fifo asks neither for priority nor for deadlines', () => {
    const tasks = { a: { waits: 1 }, b: { waits: 3, priority: 9 }, c: { waits: 2, deadlineIn: 1 } };
    expect(ranking('fifo', tasks)).toEqual(['b', 'c', 'a']);
  });

  test('priority is the order of the queue', () => {
    expect(ranking('priority', { a: { priority: 10 }, b: {}, c: { deadlineIn: 5 }, d: { priority: 90 } })).toEqual([
      ...['d', 'c', 'b', 'a'],
    ]);
  });

  test('ageing-priority lets waiting make up for priority, by its rate', () => {
    const tasks = { a: { priority: 52 }, b: { priority: 50, waits: 25 } };
    expect(ranking('ageing-priority', tasks)).toEqual(['b', 'a']);
    expect(ranking('ageing-priority', tasks, { ageingSeconds: 3600 })).toEqual(['a', 'b']);
  });

  test('sjf-predicted goes by the expected time, unknown being an hour', () => {
    const tasks = { a: { minutes: 90 }, b: { minutes: null }, c: { minutes: 5 }, d: { minutes: 59 } };
    expect(ranking('sjf-predicted', tasks)).toEqual(['c', 'd', 'b', 'a']);
  });

  test('saf goes by time times size', () => {
    expect(
      ranking('saf', { a: { cpu: 8, minutes: 2 }, b: { cpu: 1, minutes: 15 }, c: { cpu: 2, minutes: 9 } }),
    ).toEqual(['b', 'a', 'c']);
  });

  test('wfp3 and unicep weigh the wait against the expected time, and differ in what size does', () => {
    const tasks = { small: { cpu: 2, waits: 10, minutes: 10 }, large: { cpu: 64, waits: 10, minutes: 10 } };
    expect(ranking('wfp3', tasks)).toEqual(['large', 'small']);
    expect(ranking('unicep', tasks)).toEqual(['small', 'large']);
    expect(ranking('wfp3', { ...tasks, old: { cpu: 2, waits: 100, minutes: 10 } })[0]).toBe('old');
  });

  test('edf goes by the slack', () => {
    const tasks = { a: { deadlineIn: 30, minutes: 5 }, b: { deadlineIn: 40, minutes: 35 }, c: {} };
    expect(ranking('edf', tasks)).toEqual(['b', 'a', 'c']);
  });

  test('fair-share goes by what users have used, and counts what they are given in the pass', () => {
    const usage: Record<string, number> = { ada: 5, bob: 0 };
    const tasks = { a1: { owner: 'ada' }, a2: { owner: 'ada' }, b1: { owner: 'bob' }, b2: { owner: 'bob' } };
    const share = (ten: number) => ({ usageOf: (owner: string) => (usage[owner] ?? 0) * ten });
    // Ten minutes on a thousandth of the cluster are 0.6: less than what ada has used, so bob goes first twice.
    expect(ranking('fair-share', tasks, share(1)).slice(0, 2)).toEqual(['b1', 'b2']);
    expect(ranking('fair-share', tasks, share(0))).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  test('largest-first takes the large ones, then the small ones, then the rest', () => {
    const tasks = { rest: { cpu: 3 }, small: { cpu: 1 }, large: { cpu: 6 }, larger: { cpu: 10 } };
    const workers = { w1: { cpu: 10 }, w2: { cpu: 10 } };
    expect(started('largest-first', 'greedy', { tasks, workers })).toEqual(['larger', 'large', 'small', 'rest']);
  });

  test('all but fifo and ageing-priority put a higher priority first', () => {
    for (const { name } of orderingPolicies())
      if (name !== 'fifo' && name !== 'ageing-priority')
        expect(ranking(name, { a: {}, b: {}, c: { priority: 51, minutes: 500, cpu: 60 } })[0], name).toBe('c');
  });
});

describe('behind a task that does not fit', () => {
  // Three of four cores are taken for 60 minutes: the head wants all four.
  const running = { w: [[3, 60]] as const };
  const tasks = { head: { cpu: 4, minutes: 10 }, long: { cpu: 1, minutes: 90 }, short: { cpu: 1, minutes: 50 } };

  test('greedy lets anybody start', () => {
    expect(started('fifo', 'greedy', { tasks, running })).toEqual(['long']);
  });

  test('strict lets nobody', () => {
    expect(started('fifo', 'strict', { tasks, running })).toEqual([]);
  });

  test('easy lets those that are over in time, and says when the head is to start', () => {
    const plan = planOf('fifo', 'easy', { tasks, running });
    expect(plan.assignments.map(({ taskId }) => taskId)).toEqual(['short']);
    expect(plan.promised).toEqual([{ taskId: 'head', workerId: 'w', startAt: NOW + 60 * MINUTE }]);
    expect(plan.blocked.map(({ taskId, reason }) => [taskId, reason])).toEqual([
      ['head', 'room'],
      ['long', 'promised'],
    ]);
  });

  test('easy lets those that fit beside the head', () => {
    const beside = { head: { cpu: 3 }, long: { cpu: 1, minutes: 90 }, longer: { cpu: 1, minutes: 900 } };
    expect(started('fifo', 'easy', { tasks: beside, running: { w: [[2, 60]] } })).toEqual(['long']);
  });

  test('easy promises the worker where the head fits first, and leaves the others free', () => {
    const scene: Scene = {
      tasks: { head: { cpu: 4 }, long: { cpu: 1, minutes: 900 } },
      workers: { a: { cpu: 4 }, b: { cpu: 4 } },
      running: { a: [[3, 90]], b: [[3, 30]] },
    };
    const plan = planOf('fifo', 'easy', scene);
    expect(plan.promised).toEqual([{ taskId: 'head', workerId: 'b', startAt: NOW + 30 * MINUTE }]);
    expect(plan.assignments).toMatchObject([{ taskId: 'long', workerId: 'a' }]);
  });

  test('conservative keeps the promise of the second one too', () => {
    const scene: Scene = {
      tasks: { head: { cpu: 3, minutes: 10 }, second: { cpu: 2, minutes: 10 }, third: { cpu: 1, minutes: 65 } },
      running: { w: [[3, 60]] },
    };
    // Beside the head there is room for the third task for ever, but not beside the second, which comes after the head.
    expect(started('fifo', 'easy', scene)).toEqual(['third']);
    const plan = planOf('fifo', 'conservative', {
      ...scene,
      tasks: { ...scene.tasks, second: { cpu: 4, minutes: 10 } },
    });
    expect(plan.assignments.map(({ taskId }) => taskId)).toEqual(['third']);
    expect(plan.promised.map(({ taskId, startAt }) => [taskId, (startAt! - NOW) / MINUTE])).toEqual([
      ['head', 60],
      ['second', 70],
    ]);
    const third = { cpu: 1, minutes: 75 };
    const both = { ...scene.tasks, second: { cpu: 4, minutes: 10 }, third };
    expect(started('fifo', 'easy', { ...scene, tasks: both })).toEqual(['third']);
    expect(started('fifo', 'conservative', { ...scene, tasks: both })).toEqual([]);
  });

  test('where nobody knows how long anything takes, no promise can be made', () => {
    const unknown = { head: { cpu: 4, minutes: null }, next: { cpu: 1, minutes: null } };
    const plan = planOf('fifo', 'easy', { tasks: unknown, running: { w: [[3, Number.POSITIVE_INFINITY]] } });
    expect(plan.promised).toEqual([]);
    expect(plan.assignments).toHaveLength(1);
  });
});

describe('a task that has waited for too long', () => {
  const starving = { starvationMs: 60 * MINUTE };

  test('goes first under every order', () => {
    const tasks = {
      old: { waits: 61, priority: 0, minutes: 500, cpu: 2 },
      young: { priority: 90, minutes: 1, cpu: 3 },
    };
    for (const { name } of orderingPolicies())
      expect(started(name, 'greedy', { tasks, order: starving }), name).toEqual(['old']);
  });

  test('bars a worker to others when nobody knows when there will be room', () => {
    const scene: Scene = {
      tasks: { old: { cpu: 4, waits: 61, minutes: null }, a: { minutes: null }, b: { minutes: 1 } },
      workers: { w1: { cpu: 4 }, w2: { cpu: 4 } },
      running: { w1: [[3, Number.POSITIVE_INFINITY]], w2: [[2, Number.POSITIVE_INFINITY]] },
      order: starving,
    };
    const plan = planOf('sjf-predicted', 'greedy', scene);
    expect(plan.promised).toEqual([{ taskId: 'old', workerId: 'w2', startAt: null }]);
    expect(plan.assignments.map(({ workerId }) => workerId)).toEqual(['w1']);
  });

  test('does not get the cluster barred: a tenth of the workers at most', () => {
    const names = Array.from({ length: 20 }, (_, n) => `w${10 + n}`);
    const scene: Scene = {
      tasks: {
        ...Object.fromEntries(names.slice(0, 5).map((name) => [`old-${name}`, { cpu: 4, waits: 61, minutes: null }])),
        ...Object.fromEntries(names.map((name) => [`new-${name}`, { minutes: null }])),
      },
      workers: Object.fromEntries(names.map((name) => [name, { cpu: 4 }])),
      running: Object.fromEntries(names.map((name) => [name, [[3, Number.POSITIVE_INFINITY]] as const])),
      order: starving,
    };
    const plan = planOf('sjf-predicted', 'greedy', scene);
    expect(plan.promised).toHaveLength(2);
    expect(plan.assignments).toHaveLength(18);
  });

  test('is promised a time where one can be told', () => {
    const scene: Scene = {
      tasks: { old: { cpu: 4, waits: 61 }, long: { minutes: 90 }, short: { minutes: 50 } },
      running: { w: [[3, 60]] },
      order: starving,
    };
    const plan = planOf('sjf-predicted', 'greedy', scene);
    expect(plan.promised).toEqual([{ taskId: 'old', workerId: 'w', startAt: NOW + 60 * MINUTE }]);
    expect(plan.assignments.map(({ taskId }) => taskId)).toEqual(['short']);
  });
});

test('a walk over the queue gives every task once, in the order of its numbers', () => {
  const waiting = fc.record({
    cpu: fc.integer({ min: 1, max: 3 }),
    minutes: fc.constantFrom(null, 1, 10),
    waits: fc.nat(100),
    owner: fc.constantFrom('ada', 'bob'),
    priority: fc.constantFrom(50, 60),
    deadlineIn: fc.constantFrom(1, 50),
  });
  fc.assert(
    fc.property(fc.array(waiting, { maxLength: 30 }), fc.constantFrom(...orderingPolicies()), (tasks, order) => {
      // The longer it waits, the earlier it was submitted.
      const sorted = tasks.toSorted((a, b) => b.waits - a.waits);
      const named = Object.fromEntries(sorted.map((one, n) => [`t${n}`, one]));
      const got = ranking(order.name, named);
      expect(got.toSorted()).toEqual(Object.keys(named).toSorted());
      if (order.heedsPriority) {
        const priorities = got.map((id) => named[id]!.priority);
        expect(priorities).toEqual(priorities.toSorted((a, b) => b - a));
      }
      if (order.name === 'fifo') expect(got).toEqual(Object.keys(named));
    }),
  );
});
