import { kindOf } from '../model/gpu.ts';
import { largest, MOST_SCORE } from './axes.ts';
import type { ScoringPolicy } from './policy.ts';

const QUARTER = MOST_SCORE / 4;

/**
 * Like beside like: shares of GPUs with shares, tasks of n whole GPUs with tasks of n. The best quarter of the scores
 * is for workers that run nothing but this kind, then those that run it among others, idle ones, and those that run
 * other kinds only; within each, the fewer GPUs are free the better: 25 · (most − free) / most, most being the GPUs of
 * the largest worker, cut to a whole number. Without a GPU request all workers are alike.
 */
export const gpuClustering: ScoringPolicy = {
  kind: 'scoring',
  name: 'gpu-clustering',
  version: 1,
  summary: 'Workers that run GPU tasks of the same kind: shares beside shares, n GPUs beside n GPUs.',
  source:
    'Xiao et al., Gandiva, OSDI 2018, as GpuClusteringScore of Weng et al., USENIX ATC 2023 (hkust-adsl/kubernetes-scheduler-simulator)',
  prepare: (table) => {
    const { gpus, freeGpuMillis } = table;
    const most = Math.max(1, largest(table.gpuMillis));
    const scoreOf = (millis: number, row: number) => {
      const kinds = gpus.kinds[row]!;
      const own = 1 << kindOf(millis);
      const quarter = (kinds & own) === 0 ? (kinds === 0 ? 1 : 0) : kinds === own ? 3 : 2;
      return quarter * QUARTER + Math.trunc((QUARTER * (most - freeGpuMillis[row]!)) / most);
    };
    return {
      spreads: false,
      ceiling: null,
      score({ request }, rows, count, scores) {
        if (request.gpuMillis === 0) scores.fill(0, 0, count);
        else for (let at = 0; at < count; at++) scores[at] = scoreOf(request.gpuMillis, rows[at]!);
      },
      parts: ({ request }, row) => ({ clustering: request.gpuMillis === 0 ? 0 : scoreOf(request.gpuMillis, row) }),
    };
  },
};
