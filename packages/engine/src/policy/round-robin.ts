import type { CyclingPolicy } from './policy.ts';

/** Everyone in turn. The id chosen last is kept in the cluster's row, so the turn survives a restart. */
export const roundRobin: CyclingPolicy = {
  kind: 'cycling',
  name: 'round-robin',
  version: 1,
  summary:
    'Workers take turns in the order of their ids, starting after the one chosen last; those without room are passed over.',
  source:
    'Round-robin list scheduling; R. L. Graham, Bounds on Multiprocessing Timing Anomalies, 1969 (lists in fixed order)',
};
