import type { Resources } from '../model/resources.ts';
import type { ScoringPolicy, WorkerRoom } from './policy.ts';

/** First fit over the workers sorted by free CPU: score = free millicores before the placement. */
export const greedy: ScoringPolicy = {
  kind: 'scoring',
  name: 'greedy',
  summary: 'The worker with the most free CPU that has room.',
  source: 'Worst-fit in one dimension; D. S. Johnson, Near-Optimal Bin Packing Algorithms, 1973',
  prepare: () => ({ score: freeCpu, parts: (request, room) => ({ freeCpu: freeCpu(request, room) / 1000 }) }),
};

function freeCpu(_request: Resources, room: WorkerRoom): number {
  return room.ledger.freeCpuMillis;
}
