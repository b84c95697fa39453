import { describe, expect, test } from 'vitest';
import { Ledger } from '../model/ledger.ts';
import { type Amounts, askFor, resources, workerRow } from '../testing/rows.ts';
import type { Knowledge, TaskFacts } from './policy.ts';
import { RoomTable } from './room-table.ts';
import { rts } from './rts.ts';
import { DEFAULT_RISK, riskProblem } from './rts-parameters.ts';
import { typeOf } from './task-type.ts';

/** Workers with what is taken of them, and the risk of the first for a task. */
function parts(asked: Amounts, facts: Partial<TaskFacts>, taken: Amounts = {}, knowledge: Partial<Knowledge> = {}) {
  if (rts.kind !== 'scoring') throw new Error('rts scores');
  const ledger = new Ledger(workerRow('w1', { cpu: 10, memory: 10, gpu: 2 }).capacity!);
  ledger.reserve(resources(taken));
  const scorer = rts.prepare(new RoomTable([ledger], ['w1']), { demand: [], now: 0, ...knowledge });
  const task = { expectedMs: 100_000, deadlineAt: null, type: '', ...facts };
  return scorer.parts(askFor(asked, { task }), 0);
}

describe('rts', () => {
  test('C4-10: a task takes longer the more it asks of what is free', () => {
    expect(parts({ cpu: 5 }, {}).expected).toBeCloseTo(100 * (1 + 0.1 * 0.5), 9);
    expect(parts({ cpu: 5, memory: 10, gpu: 1 }, {}).expected).toBeCloseTo(100 * (1 + 0.05 + 0.1 + 0.3 * 0.5), 9);
  });

  test('C4-8, E-33: load is a part of one, weighted by cores, tens of GiB and pairs of GPUs', () => {
    // Weights 10, 1 and 4; half of the CPU is taken, and one of two GPUs.
    const load = (10 * 0.5 + 4 * 0.5) / 15;
    expect(parts({}, {}, { cpu: 5, gpu: 1 }).load).toBeCloseTo(load, 9);
    expect(parts({}, {}, { cpu: 5, gpu: 1 }).expected).toBeCloseTo(100 * (1 + 0.2 * load), 9);
  });

  test('C4-11: seconds after the deadline count ten times; without a deadline it is twice the time it takes', () => {
    expect(parts({}, { deadlineAt: 40_000 }).lateness).toBeCloseTo(10 * 60, 9);
    expect(parts({}, { deadlineAt: 100_000 }).lateness).toBe(0);
    expect(parts({ cpu: 10, memory: 10, gpu: 2 }, {}).lateness).toBe(0);
  });

  test('C4-2, C4-4: what nobody knows is what the type takes as a rule', () => {
    expect(parts({ cpu: 1 }, { expectedMs: null }).expected).toBeCloseTo(5 * 1.01, 9);
    expect(parts({ cpu: 1 }, { expectedMs: null, type: 'gpu-training' }).expected).toBeCloseTo(60 * 1.01, 9);
    expect(typeOf(resources({ cpu: 5, gpu: 3 }), '')).toBe('gpu-training');
    expect(typeOf(resources({ cpu: 4, gpu: 3 }), '')).toBe('gpu-inference');
    expect(typeOf(resources({ cpu: 5, memory: 9 }), '')).toBe('memory-heavy');
    expect(typeOf(resources({ cpu: 5 }), 'nonsense')).toBe('cpu-heavy');
    expect(typeOf(resources({}), '')).toBe('mixed');
  });

  test('C4-12: affinity lowers the risk, a penalty raises it', () => {
    const risk = { ...DEFAULT_RISK, affinity: { 'cpu-light': { w1: 3 } }, penalty: { w1: 2 } };
    expect(parts({ cpu: 1 }, {}, {}, { risk })).toMatchObject({ affinity: 3, penalty: 2 });
    expect(parts({ cpu: 5 }, {}, {}, { risk })).toMatchObject({ affinity: 0, penalty: 2 });
  });

  test('C4-14, E-34: parameters out of range are refused, every known type is taken', () => {
    expect(riskProblem(DEFAULT_RISK)).toBe(null);
    expect(riskProblem({ ...DEFAULT_RISK, alpha: 1001 })).toContain('alpha is 1001');
    expect(riskProblem({ ...DEFAULT_RISK, theta: [0, 0, 0, Number.NaN] })).toContain('theta4');
    expect(riskProblem({ ...DEFAULT_RISK, affinity: { 'gpu-training': { w1: 10 } } })).toBe(null);
    expect(riskProblem({ ...DEFAULT_RISK, affinity: { 'gpu-heavy': { w1: 1 } } as object })).toContain('gpu-heavy');
    expect(riskProblem({ ...DEFAULT_RISK, penalty: { w1: -1 } })).toContain('penalty of w1');
  });
});
