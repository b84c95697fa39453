import type { OrderingPolicy } from '../ordering.ts';

/** Priority, then the deadline, then age: the order of the queue itself, which needs no numbers. */
export const priority: OrderingPolicy = {
  name: 'priority',
  version: 1,
  summary: 'Priority, larger first; then the deadline; then first come, first served.',
  source: 'The order of the queue',
  heedsPriority: true,
  within: 'deadline',
  prepare: () => (task) => task.deadlineInSeconds,
};

/** Priority that grows with the wait: −(priority + waiting / ageing). */
export const ageingPriority: OrderingPolicy = {
  name: 'ageing-priority',
  version: 1,
  summary: 'Priority plus a step for every so many seconds of waiting (10 minutes unless set).',
  source: 'Priority with ageing; Silberschatz, Galvin, Gagne, Operating System Concepts, chapter on CPU scheduling',
  heedsPriority: false,
  within: 'age',
  prepare({ ageingSeconds }) {
    const step = ageingSeconds ?? 600;
    return (task) => -(task.priority + task.waitSeconds / step);
  },
};
