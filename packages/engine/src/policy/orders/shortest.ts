import type { OrderingPolicy } from '../ordering.ts';

/** Number = expected seconds. */
export const sjfPredicted: OrderingPolicy = {
  name: 'sjf-predicted',
  version: 1,
  summary: 'The task that is expected to run shortest.',
  source: 'Shortest job first by estimate; W. E. Smith, Various Optimizers for Single-Stage Production, 1956',
  heedsPriority: true,
  within: 'age',
  prepare: () => (task) => task.expectedSeconds,
};

/** Number = expected seconds · processors. */
export const saf: OrderingPolicy = {
  name: 'saf',
  version: 1,
  summary: 'The task with the smallest area: expected seconds times processors.',
  source: 'Smallest area first; Carastan-Santos et al., One Can Only Gain by Replacing EASY Backfilling, CCGrid 2019',
  heedsPriority: true,
  within: 'age',
  prepare: () => (task) => task.expectedSeconds * task.processors,
};

/** Number = log10(expected seconds) · processors + 870 · log10(seconds from the begin of the cluster to its submission). */
export const f1: OrderingPolicy = {
  name: 'f1',
  version: 1,
  summary: 'Small and short tasks first, earlier ones before later ones, in a ratio found by regression.',
  source:
    'Carastan-Santos and de Camargo, Obtaining Dynamic Scheduling Policies with Simulation and Machine Learning, SC 2017',
  heedsPriority: true,
  within: 'age',
  prepare: () => (task) => log10(task.expectedSeconds) * task.processors + 870 * log10(task.submitSeconds),
};

function log10(seconds: number): number {
  return Math.log10(seconds > 0 ? seconds : 0.1);
}
