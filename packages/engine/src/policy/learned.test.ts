import { describe, expect, test } from 'vitest';
import { roomOf, workerRow } from '../testing/rows.ts';
import { learnedPlacement } from './learned.ts';
import { UNTRAINED_ORDER } from './order-model.ts';
import type { OrderedTask } from './ordering.ts';
import { orderingPolicy } from './ordering-registry.ts';
import { learnedOrder } from './orders/learned.ts';
import { PLACEMENT_FEATURES, type PlacementModel, UNTRAINED_PLACEMENT } from './placement-model.ts';
import type { Ask, Knowledge } from './policy.ts';
import { placementPolicies } from './registry.ts';
import { RoomTable } from './room-table.ts';

const ask = (cpu: number, gpuMillis: number): Ask => ({
  request: { cpuMillis: cpu * 1000, memoryBytes: 0, storageBytes: 0, gpuMillis, custom: {} },
  gpuModels: [],
  task: null,
});

const knowledge: Knowledge = {
  demand: [
    { ...ask(2, 500), count: 3 },
    { ...ask(8, 1000), count: 1 },
  ],
  now: 0,
};

/** Two workers: one with plenty of CPU and two GPUs, one with little CPU and one. */
function table(): RoomTable {
  const rows = [workerRow('a', { cpu: 16, memory: 64, gpu: 2 }), workerRow('b', { cpu: 4, memory: 64, gpu: 1 })];
  return new RoomTable(rows.map((row) => roomOf(row).ledger));
}

function scores(model: PlacementModel, what: Ask): number[] {
  const found = new Float64Array(2);
  learnedPlacement(model).prepare(table(), knowledge).score(what, Int32Array.of(0, 1), 2, found);
  return [...found];
}

test('what is explained adds up to the score', () => {
  const weights = Object.fromEntries(PLACEMENT_FEATURES.map((name, at) => [name, (at + 1) / 7]));
  const model = { ...UNTRAINED_PLACEMENT, weights: { none: weights, share: weights, whole: weights } };
  const scorer = learnedPlacement(model).prepare(table(), knowledge);
  for (const what of [ask(2, 0), ask(2, 250), ask(1, 1000)]) {
    const parts = [0, 1].map((row) => Object.values(scorer.parts(what, row)).reduce((sum, part) => sum + part, 0));
    for (const [row, score] of scores(model, what).entries()) expect(parts[row]).toBeCloseTo(score, 10);
  }
});

test('a weight moves the kind of request that it is of, and no other', () => {
  const model = { ...UNTRAINED_PLACEMENT, weights: { none: { leftCpu: -5 }, share: {}, whole: {} } };
  const change = (what: Ask) =>
    scores(model, what).map((score, row) => score - scores(UNTRAINED_PLACEMENT, what)[row]!);
  expect(change(ask(2, 0))).toEqual([expect.closeTo((-5 * 14) / 16, 10), expect.closeTo((-5 * 2) / 16, 10)]);
  expect(change(ask(2, 250))).toEqual([0, 0]);
});

test('an unsound model is refused when it is made', () => {
  const wrong = { ...UNTRAINED_PLACEMENT, weights: { none: {}, share: { hole: Number.NaN }, whole: {} } };
  expect(() => learnedPlacement(wrong)).toThrow(
    'The placement model can not be used: the weight of hole for share is NaN.',
  );
});

describe('the learned order', () => {
  const task = (expectedSeconds: number, processors: number, waitSeconds = 0): OrderedTask => ({
    ...{ request: ask(processors, 0).request, processors, dominantShare: 0.1, expectedSeconds, waitSeconds },
    ...{
      submitSeconds: 0,
      priority: 50,
      deadlineInSeconds: Number.POSITIVE_INFINITY,
      owner: 'ann',
      namespace: 'default',
    },
  });
  const about = { usageOf: () => 0, ageingSeconds: null, largestShare: 1 };
  const tasks = [task(10, 8), task(3600, 1), task(60, 64), task(79, 1), task(1, 1)];
  const sorted = (policy: ReturnType<typeof learnedOrder>) => {
    const number = policy.prepare(about);
    return [...tasks.keys()].sort((a, b) => number(tasks[a]!) - number(tasks[b]!));
  };

  test('is smallest area first before it is trained', () => {
    expect(sorted(learnedOrder(UNTRAINED_ORDER))).toEqual(sorted(orderingPolicy('saf')!));
  });

  test('never puts a task later because it is older, whatever the weights', () => {
    const number = learnedOrder({ ...UNTRAINED_ORDER, weights: { wait: -3, expansion: -1 } }).prepare(about);
    expect(number(task(60, 1, 9_000))).toBeLessThanOrEqual(number(task(60, 1, 10)));
  });
});

test('both are among the policies', () => {
  expect(orderingPolicy('learned')).not.toBeNull();
  expect(placementPolicies().map(({ name }) => name)).toContain('learned');
});
