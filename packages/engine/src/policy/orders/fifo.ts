import type { OrderingPolicy } from '../ordering.ts';

/** In the order of submission, whatever the priority. */
export const fifo: OrderingPolicy = {
  name: 'fifo',
  version: 1,
  summary: 'First come, first served, whatever the priority.',
  source: 'First come, first served',
  heedsPriority: false,
  within: 'age',
  prepare: () => (task) => -task.waitSeconds,
};
