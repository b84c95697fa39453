import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { learnedPlacement, placementPolicy, UNTRAINED_ORDER, UNTRAINED_PLACEMENT } from '@cloudai/engine';
import { expect, test } from 'vitest';
import { PackingTrial, packingLog } from '../protocols/packing.ts';
import { Random } from '../random.ts';
import { recordedTraces } from '../testing/traces.ts';
import type { OpenbNode, OpenbPod } from '../traces/openb.ts';
import { OrderTask, orderModelOf, orderVectorOf } from './order-task.ts';
import { modelOf, objectiveOf, randomArrival, vectorOf } from './placement-task.ts';
import { type TrainOptions, train, trainingPage } from './train.ts';

const SEED = 17;

test(`the untrained policy decides as FGD does (seed ${SEED})`, () => {
  const random = new Random(SEED);
  const nodes = Array.from({ length: 30 }, (_, n): OpenbNode => {
    const gpus = random.pick([0, 2, 4, 8]);
    return {
      name: `n${n}`,
      cpuMillis: 64_000,
      memoryMib: 262_144,
      gpus,
      model: gpus === 0 ? null : random.pick(['T4', 'P100']),
    };
  });
  const pods = Array.from({ length: 200 }, (_, n): OpenbPod => {
    const gpuMillis = random.pick([0, 250, 460, 810, 1000, 2000, 8000]);
    const models = gpuMillis > 0 && random.uniform() < 0.2 ? ['T4'] : [];
    const times = { createdAt: null, scheduledAt: null, deletedAt: null };
    return { name: `p${n}`, cpuMillis: random.integer(1, 12) * 1000, memoryMib: 1024, gpuMillis, models, ...times };
  });
  const trial = new PackingTrial('made', nodes, pods);
  const arrival = randomArrival(trial, SEED, random);
  const [ours, theirs] = [learnedPlacement(UNTRAINED_PLACEMENT), placementPolicy('fgd')!];
  expect(packingLog(trial.run(ours, arrival))).toBe(packingLog(trial.run(theirs, arrival)));
});

test('a model and its vector are the same thing; the objective counts the worst list again', () => {
  const model = { ...UNTRAINED_PLACEMENT, version: 3, demandPower: 0.5 };
  expect(vectorOf(modelOf(vectorOf(model), 3))).toEqual(vectorOf(model));
  expect(objectiveOf([0.4, -0.2])).toBeCloseTo(0.1 - 0.1, 12);
  expect(objectiveOf([0.4, 0.2])).toBeCloseTo(0.3, 12);
});

const recorded = recordedTraces();

test.skipIf(recorded === null)(
  'training that was stopped goes on to the same weights',
  async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudai-train-'));
    const options = (file: string, generations: number): TrainOptions => ({
      traces: recorded!.path,
      what: 'placement',
      lists: ['multigpu50'],
      ...{ seed: 1, scale: 100, threads: 1, hours: 1, generations },
      stateFile: path.join(folder, file),
      clock: () => 0,
    });
    try {
      const straight = await train(options('straight', 6));
      await train(options('parts', 2));
      const parts = await train(options('parts', 6));
      expect(parts.state).toEqual(straight.state);
      expect(parts.trained.model).toEqual(straight.trained.model);
      expect(trainingPage(parts.state)).not.toMatch(/NaN|undefined/);
      await expect(train({ ...options('parts', 8), seed: 2 })).rejects.toThrow('is of another training');
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  },
  60_000,
);

test.skipIf(recorded === null)(
  'the untrained order is as good as smallest area first, never better than the best',
  () => {
    const task = new OrderTask(recorded!, ['lublin-1']);
    const vector = orderVectorOf(UNTRAINED_ORDER);
    expect(orderModelOf(vector, 0).weights.duration).toBe(0);
    const [gain] = task.gains(vector, [1, 2, 3, 4]);
    expect(gain).toBeLessThanOrEqual(1e-12);
    expect(task.gains(vector, [1, 2, 3, 4])).toEqual([gain]);
  },
  120_000,
);
