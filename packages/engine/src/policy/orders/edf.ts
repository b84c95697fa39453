import type { OrderingPolicy } from '../ordering.ts';

/** Number = time to the deadline − expected seconds: what is left to wait. Tasks without a deadline come last. */
export const edf: OrderingPolicy = {
  name: 'edf',
  version: 1,
  summary: 'The smallest slack: time to the deadline less the expected run time; tasks without a deadline last.',
  source: 'Least slack time; Liu and Layland 1973 (earliest deadline), Dertouzos and Mok 1989 (slack)',
  heedsPriority: true,
  within: 'deadline',
  prepare: () => (task) => task.deadlineInSeconds - task.expectedSeconds,
};
