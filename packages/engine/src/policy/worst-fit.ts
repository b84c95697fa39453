import { MOST_SCORE } from './axes.ts';
import { leftOf, leftOver } from './best-fit.ts';
import type { Ask, ScoringPolicy } from './policy.ts';
import type { RoomTable } from './room-table.ts';

/** The most that is left: the score of best-fit the other way round, and the emptiest GPU that has room. */
export const worstFit: ScoringPolicy = {
  kind: 'scoring',
  name: 'worst-fit',
  version: 1,
  summary: 'The worker on which the most CPU and GPU (without GPUs: memory) is left.',
  source: 'Worst fit over two resources; D. S. Johnson, Near-Optimal Bin Packing Algorithms, 1973',
  prepare: (table) => {
    const left = leftOver(table);
    return {
      spreads: true,
      ceiling: null,
      score(ask, rows, count, scores) {
        left(ask, rows, count, scores);
        for (let at = 0; at < count; at++) scores[at] = Math.trunc(scores[at]! * MOST_SCORE);
      },
      device: (ask, row) => emptiest(table, ask, row),
      parts(ask, row) {
        return { emptiness: Math.trunc(leftOf(left, ask, row) * MOST_SCORE) };
      },
    };
  },
};

function emptiest({ gpus }: RoomTable, { request, gpuModels }: Ask, row: number): number {
  const start = row * gpus.width;
  let best = -1;
  for (let slot = 0; slot < gpus.count[row]!; slot++) {
    const free = gpus.free[start + slot]!;
    if (free < request.gpuMillis || (best >= 0 && free <= gpus.free[start + best]!)) continue;
    if (gpus.permits(gpuModels, row, slot)) best = slot;
  }
  return best;
}
