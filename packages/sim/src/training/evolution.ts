/**
 * Evolution strategies: T. Salimans et al., Evolution Strategies as a Scalable Alternative to Reinforcement Learning,
 * 2017. Mirrored samples around a centre, ranks instead of values, a step with momentum. The state is plain data: what
 * is saved and read again goes on as if nothing had been.
 */
import { Random } from '../random.ts';

export interface EvolutionState {
  readonly seed: number;
  readonly generation: number;
  readonly centre: readonly number[];
  readonly momentum: readonly number[];
}

export interface EvolutionOptions {
  /** Pairs of mirrored samples in a generation. */
  readonly pairs: number;
  /** How far samples are from the centre, and how far it goes at most in a step. */
  readonly sigma: number;
  readonly rate: number;
}

export const EVOLUTION: EvolutionOptions = { pairs: 8, sigma: 0.2, rate: 0.25 };
const MOMENTUM = 0.8;

export function beginEvolution(seed: number, centre: readonly number[]): EvolutionState {
  return { seed, generation: 0, centre, momentum: centre.map(() => 0) };
}

/** The samples of the generation that is next, each followed by its mirror image. */
export function samplesOf(
  { seed, generation, centre }: EvolutionState,
  { pairs, sigma }: EvolutionOptions,
): number[][] {
  const random = new Random(seed).fork(generation);
  const samples: number[][] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const noise = centre.map(() => random.normal());
    samples.push(
      centre.map((value, at) => value + sigma * noise[at]!),
      centre.map((value, at) => value - sigma * noise[at]!),
    );
  }
  return samples;
}

/** The state after this generation; `values` of the samples in their order, larger is better. */
export function evolve(
  state: EvolutionState,
  samples: readonly (readonly number[])[],
  values: readonly number[],
  { sigma, rate }: EvolutionOptions,
): EvolutionState {
  const shaped = rankShaped(values);
  const momentum = state.momentum.map((old, at) => {
    let pull = 0;
    for (const [index, sample] of samples.entries())
      pull += shaped[index]! * ((sample[at]! - state.centre[at]!) / sigma);
    return MOMENTUM * old + (1 - MOMENTUM) * (pull / samples.length);
  });
  const centre = state.centre.map((value, at) => value + rate * momentum[at]!);
  return { ...state, generation: state.generation + 1, centre, momentum };
}

/** From −1 for the worst to 1 for the best; equals share the mean of their ranks. */
export function rankShaped(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  const shaped = new Array<number>(values.length).fill(0);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1]!] === values[order[from]!]) to++;
    const rank = (from + to) / 2;
    for (let at = from; at <= to; at++) shaped[order[at]!] = (2 * rank) / Math.max(1, order.length - 1) - 1;
    from = to + 1;
  }
  return shaped;
}
