import { type OrderModel, orderModelProblem } from '../order-model.ts';
import type { OrderingPolicy } from '../ordering.ts';

/** Below this neither time nor size makes a difference, and logarithms would. */
const LEAST = 1e-3;

/**
 * Number = log(expected seconds · processors) + Σ weight · feature: smallest area first with a learned correction. The
 * features are in `order-model.ts`, the weights are data. Throws when the model is unsound.
 */
export function learnedOrder(model: OrderModel): OrderingPolicy {
  const problem = orderModelProblem(model);
  if (problem !== null) throw new RangeError(`The order model can not be used: ${problem}.`);
  const { duration = 0, curvature = 0, size = 0, share = 0, wait = 0, expansion = 0 } = model.weights;
  const ageing = { wait: Math.max(0, wait), expansion: Math.max(0, expansion) };
  return {
    name: 'learned',
    version: model.version,
    summary: 'Smallest area first with a correction learned on recorded workloads: duration, size, wait.',
    source: 'Smallest area first with linear weights found by evolution strategies in the simulator',
    heedsPriority: true,
    within: 'age',
    prepare: () => (task) => {
      const logSeconds = Math.log(Math.max(LEAST, task.expectedSeconds));
      const logSize = Math.log(Math.max(LEAST, task.processors));
      const waited = Math.max(0, task.waitSeconds);
      return (
        (1 + duration) * logSeconds +
        (1 + size) * logSize +
        curvature * (logSeconds * logSeconds * 0.1) +
        share * task.dominantShare -
        ageing.wait * Math.log1p(waited / 60) -
        ageing.expansion * Math.log1p(waited / Math.max(LEAST, task.expectedSeconds))
      );
    },
  };
}
