import type { OrderingPolicy } from '../ordering.ts';

/** Number = −(waiting / expected)³ · processors. */
export const wfp3: OrderingPolicy = {
  name: 'wfp3',
  version: 1,
  summary: 'The longest waiting in parts of its expected run time, large tasks before small ones.',
  source: 'Tang et al., Fault-Aware, Utility-Based Job Scheduling on Blue Gene/P Systems, CLUSTER 2009',
  heedsPriority: true,
  within: 'age',
  prepare: () => (task) => {
    const ratio = task.waitSeconds / task.expectedSeconds;
    return -(ratio * ratio * ratio * task.processors);
  },
};

/** Keeps the logarithm of one processor from being nothing. */
const SMALL = 1e-15;

/** Number = −waiting / (log2(processors) · expected). */
export const unicep: OrderingPolicy = {
  name: 'unicep',
  version: 1,
  summary: 'The longest waiting in parts of its expected run time, small tasks before large ones.',
  source: 'Tang et al., Fault-Aware, Utility-Based Job Scheduling on Blue Gene/P Systems, CLUSTER 2009',
  heedsPriority: true,
  within: 'age',
  prepare: () => (task) => {
    // One processor or less waits for nothing: it goes first, as everywhere where this order is measured.
    const size = Math.max(SMALL, Math.log2(task.processors + SMALL));
    return -((task.waitSeconds + SMALL) / (size * task.expectedSeconds));
  },
};
