import type { OrderModel, PlacementModel } from '@cloudai/engine';

/** Something that can be learned: models as vectors, and what a vector is worth. */
export interface TrainingTask {
  /**
   * Per workload how much better than the best known heuristic, the mean over the orders or sequences of these numbers;
   * 0 is as good. The same numbers give the same gains.
   */
  gains(vector: readonly number[], numbers: readonly number[]): number[];
}

export const TRAINED = ['placement', 'order'] as const;
export type Trained = (typeof TRAINED)[number];

export type LearnedModel = PlacementModel | OrderModel;
