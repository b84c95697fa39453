/** Weights of the learned order, as data. Every weight at 0 is smallest area first. */
export interface OrderModel {
  readonly kind: 'order';
  readonly version: number;
  /** By the name of the feature; those that are left out weigh nothing. */
  readonly weights: Partial<Readonly<Record<OrderFeature, number>>>;
}

/**
 * duration   logarithm of the expected seconds
 * curvature  its square, a tenth of it
 * size       logarithm of the processors
 * share      the largest part of any resource of the cluster that is asked for
 * wait       −logarithm of the minutes waited, + 1; a weight below 0 counts as 0, as age never makes a task go later
 * expansion  −logarithm of (wait + expected) / expected; the same holds
 */
export const ORDER_FEATURES = ['duration', 'curvature', 'size', 'share', 'wait', 'expansion'] as const;
export type OrderFeature = (typeof ORDER_FEATURES)[number];

export const UNTRAINED_ORDER: OrderModel = { kind: 'order', version: 0, weights: {} };

/** What is wrong with it, as a sentence; null when it is sound. */
export function orderModelProblem(model: OrderModel): string | null {
  if (model.kind !== 'order') return `kind is ${String(model.kind)}, not order`;
  if (!(Number.isSafeInteger(model.version) && model.version >= 0)) return `version is ${model.version}`;
  for (const [name, weight] of Object.entries(model.weights)) {
    if (!ORDER_FEATURES.some((feature) => feature === name)) return `there is no feature ${name}`;
    if (!Number.isFinite(weight)) return `the weight of ${name} is ${weight}`;
  }
  return null;
}
