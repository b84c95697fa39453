import { MOST_SCORE, packingAxes } from './axes.ts';
import type { Ask, ScoringPolicy } from './policy.ts';
import type { RoomTable } from './room-table.ts';

/**
 * The least that is left: score = 100 · (1 − ½ · left CPU / most CPU − ½ · left GPU / most GPU), cut to a whole number.
 * Left is what is free after the placement, most what the largest worker has.
 */
export const bestFit: ScoringPolicy = {
  kind: 'scoring',
  name: 'best-fit',
  version: 1,
  summary: 'The worker on which the least CPU and GPU (without GPUs: memory) is left.',
  source:
    'Best fit over two resources, as BestFitScore of Weng et al., Beware of Fragmentation, USENIX ATC 2023 (hkust-adsl/kubernetes-scheduler-simulator)',
  prepare: (table) => {
    const left = leftOver(table);
    return {
      spreads: false,
      ceiling: null,
      score(ask, rows, count, scores) {
        left(ask, rows, count, scores);
        for (let at = 0; at < count; at++) scores[at] = Math.trunc((1 - scores[at]!) * MOST_SCORE);
      },
      parts(ask, row) {
        return { fullness: Math.trunc((1 - leftOf(left, ask, row)) * MOST_SCORE) };
      },
    };
  },
};

type LeftOver = (ask: Ask, rows: Int32Array, count: number, left: Float64Array) => void;

/** What is left of a worker, 0 none to 1 all of the largest one, CPU and the other resource at even weight. */
export function leftOver(table: RoomTable): LeftOver {
  const { freeCpu, freeOther, mostCpu, mostOther, asked } = packingAxes(table);
  return ({ request }, rows, count, left) => {
    const { cpuMillis } = request;
    const other = asked(request);
    for (let at = 0; at < count; at++) {
      const row = rows[at]!;
      left[at] = ((freeCpu[row]! - cpuMillis) / mostCpu) * 0.5 + ((freeOther[row]! - other) / mostOther) * 0.5;
    }
  };
}

export function leftOf(left: LeftOver, ask: Ask, row: number): number {
  const one = new Float64Array(1);
  left(ask, Int32Array.of(row), 1, one);
  return one[0]!;
}
