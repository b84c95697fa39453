import type { ScoringPolicy } from './policy.ts';

/** First fit over the workers sorted by free CPU: score = free millicores before the placement. */
export const greedy: ScoringPolicy = {
  kind: 'scoring',
  name: 'greedy',
  version: 1,
  summary: 'The worker with the most free CPU that has room.',
  source: 'Worst-fit in one dimension; D. S. Johnson, Near-Optimal Bin Packing Algorithms, 1973',
  prepare: ({ freeCpuMillis }) => ({
    spreads: true,
    ceiling: freeCpuMillis,
    score(_ask, rows, count, scores) {
      for (let i = 0; i < count; i++) scores[i] = freeCpuMillis[rows[i]!]!;
    },
    parts: (_ask, row) => ({ freeCpu: freeCpuMillis[row]! / 1000 }),
  }),
};
