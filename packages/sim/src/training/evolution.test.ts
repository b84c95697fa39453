import { expect, test } from 'vitest';
import { beginEvolution, EVOLUTION, type EvolutionState, evolve, rankShaped, samplesOf } from './evolution.ts';

const target = [1, -2, 0.5];
const closeness = (vector: readonly number[]) =>
  -vector.reduce((sum, value, at) => sum + (value - target[at]!) ** 2, 0);

function run(state: EvolutionState, generations: number): EvolutionState {
  let now = state;
  for (let n = 0; n < generations; n++) {
    const samples = samplesOf(now, EVOLUTION);
    now = evolve(now, samples, samples.map(closeness), EVOLUTION);
  }
  return now;
}

test('it finds the top of a hill', () => {
  const { centre } = run(beginEvolution(3, [0, 0, 0]), 200);
  expect(closeness(centre)).toBeGreaterThan(-0.05);
});

test('what was saved and read again goes on as if nothing had been', () => {
  const straight = run(beginEvolution(5, [0, 0, 0]), 20);
  const saved = JSON.parse(JSON.stringify(run(beginEvolution(5, [0, 0, 0]), 12))) as EvolutionState;
  expect(run(saved, 8)).toEqual(straight);
});

test('samples come in mirrored pairs; ranks of equals are equal', () => {
  const samples = samplesOf(beginEvolution(1, [1, 2]), EVOLUTION);
  expect(samples).toHaveLength(2 * EVOLUTION.pairs);
  expect(samples[0]![0]! + samples[1]![0]!).toBeCloseTo(2, 12);
  expect(rankShaped([5, 1, 1, 9, 2]).map((rank) => rank * 4)).toEqual([2, -3, -3, 4, 0]);
});
