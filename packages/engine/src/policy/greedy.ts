import type { ScoringPolicy } from './policy.ts';

/** First fit over the workers sorted by free CPU: score = free millicores before the placement. */
export const greedy: ScoringPolicy = {
  kind: 'scoring',
  name: 'greedy',
  summary: 'The worker with the most free CPU that has room.',
  source: 'Worst-fit in one dimension; D. S. Johnson, Near-Optimal Bin Packing Algorithms, 1973',
  prepare: ({ freeCpuMillis }) => ({
    spreads: true,
    ceiling: freeCpuMillis,
    score(_request, rows, count, scores) {
      for (let i = 0; i < count; i++) scores[i] = freeCpuMillis[rows[i]!]!;
    },
    parts: (_request, row) => ({ freeCpu: freeCpuMillis[row]! / 1000 }),
  }),
};
