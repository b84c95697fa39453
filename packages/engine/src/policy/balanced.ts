import { countOf, type Resources } from '../model/resources.ts';
import type { ScoringPolicy, WorkerRoom } from './policy.ts';

/**
 * Keeps the fullest resource of every worker as low as it can: score = 1 − max over resources of
 * (allocated + request) / capacity, so 1 is an empty worker and 0 one that the task would fill in some resource.
 */
export const balanced: ScoringPolicy = {
  kind: 'scoring',
  name: 'balanced',
  summary: 'The worker whose fullest resource stays lowest with the task on it.',
  source:
    'List scheduling under the maximum norm; C. Chekuri, S. Khanna, On Multidimensional Packing Problems, SIAM J. Comput. 33(4), 2004',
  prepare: () => ({ score: headroom, parts: (request, room) => ({ headroom: headroom(request, room) }) }),
};

function headroom(request: Resources, room: WorkerRoom): number {
  const { ledger } = room;
  const capacity = ledger.capacity.resources;
  // The smallest share that stays free is 1 − the largest utilisation.
  let smallest = left(ledger.freeCpuMillis - request.cpuMillis, capacity.cpuMillis);
  smallest = Math.min(smallest, left(ledger.freeMemoryBytes - request.memoryBytes, capacity.memoryBytes));
  smallest = Math.min(smallest, left(ledger.freeStorageBytes - request.storageBytes, capacity.storageBytes));
  smallest = Math.min(smallest, left(ledger.freeGpuMillis - request.gpuMillis, capacity.gpuMillis));
  for (const name in capacity.custom) {
    const free = ledger.freeCount(name) - countOf(request.custom, name);
    smallest = Math.min(smallest, left(free, countOf(capacity.custom, name)));
  }
  return smallest;
}

/** A resource that the worker does not have can not be the fullest. */
function left(free: number, capacity: number): number {
  return capacity === 0 ? 1 : free / capacity;
}
