import type { OrderingPolicy } from '../ordering.ts';

/**
 * The owner that has used least goes first: used is the sum over its tasks of dominant share times seconds, half of it
 * forgotten every half-life. What it is given in this pass counts at once.
 */
export const fairShare: OrderingPolicy = {
  name: 'fair-share',
  version: 1,
  summary: 'The user whose tasks have used the smallest share of the cluster of late; among theirs, first come.',
  source:
    'Ghodsi et al., Dominant Resource Fairness, NSDI 2011; Kay and Lauder, A Fair Share Scheduler, CACM 31(1), 1988 (decay)',
  heedsPriority: true,
  within: 'age',
  prepare:
    ({ usageOf }) =>
    (task) =>
      usageOf(task.owner),
};
