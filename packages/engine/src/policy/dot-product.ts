import { MOST_SCORE, packingAxes } from './axes.ts';
import type { ScoringPolicy } from './policy.ts';

/**
 * Score = 100 · (1 − (free CPU · asked CPU + free GPU · asked GPU) / 2), all in parts of the largest worker, cut to a
 * whole number: of two workers the one that has less of what is asked for.
 */
export const dotProduct: ScoringPolicy = {
  kind: 'scoring',
  name: 'dot-product',
  version: 1,
  summary: 'The worker whose free CPU and GPU (without GPUs: memory) have the smallest product with what is asked for.',
  source:
    'Grandl et al., Multi-Resource Packing for Cluster Schedulers (Tetris), SIGCOMM 2014, as DotProductScore (merge, max) of Weng et al., USENIX ATC 2023',
  prepare: (table) => {
    const { freeCpu, freeOther, mostCpu, mostOther, asked } = packingAxes(table);
    return {
      spreads: false,
      ceiling: null,
      score({ request }, rows, count, scores) {
        const cpu = request.cpuMillis / mostCpu;
        const other = asked(request) / mostOther;
        for (let at = 0; at < count; at++) {
          const row = rows[at]!;
          const product = (freeCpu[row]! / mostCpu) * cpu + (freeOther[row]! / mostOther) * other;
          scores[at] = Math.trunc(MOST_SCORE * (1 - product / 2));
        }
      },
      parts({ request }, row) {
        return {
          cpu: (freeCpu[row]! / mostCpu) * (request.cpuMillis / mostCpu),
          other: (freeOther[row]! / mostOther) * (asked(request) / mostOther),
        };
      },
    };
  },
};
