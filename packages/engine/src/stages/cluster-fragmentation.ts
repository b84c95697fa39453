/** How much of what is free in the cluster is of no use to what tasks ask for as a rule; a figure to watch. */
import { takesWork } from '../policy/feasibility.ts';
import { Fragmentation } from '../policy/fragmentation.ts';
import { RoomTable } from '../policy/room-table.ts';
import type { EngineState } from '../state.ts';

export interface ClusterFragmentation {
  /** On workers that take work, thousandths. */
  readonly freeGpuMillis: number;
  /** The part that a typical request can not use, in the mean over them. */
  readonly fragmentedGpuMillis: number;
  readonly freeCpuMillis: number;
  /** The CPU of workers that lack something else, or enough of it, in the mean over typical requests. */
  readonly fragmentedCpuMillis: number;
}

/** Kinds of requests that the CPU is looked at with: the most frequent ones, so that the figure costs little. */
const KINDS = 64;

export function fragmentationOf(state: EngineState): ClusterFragmentation {
  const rooms = state.rooms().filter(({ worker }) => takesWork(worker));
  const table = new RoomTable(rooms.map(({ ledger }) => ledger));
  const demand = state.demand.typical();
  const gpus = new Fragmentation(table, demand);
  const kinds = demand.toSorted((a, b) => b.count - a.count).slice(0, KINDS);
  const total = kinds.reduce((sum, { count }) => sum + count, 0);
  let fragmentedGpu = 0;
  let fragmentedCpu = 0;
  for (const [row, { ledger }] of rooms.entries()) {
    fragmentedGpu += gpus.of(row);
    const useless = kinds.reduce((sum, kind) => sum + (ledger.fits(kind.request, kind.gpuModels) ? 0 : kind.count), 0);
    if (total > 0) fragmentedCpu += (table.freeCpuMillis[row]! * useless) / total;
  }
  return {
    freeGpuMillis: table.freeGpuMillis.reduce((sum, free) => sum + free, 0),
    fragmentedGpuMillis: Math.round(fragmentedGpu),
    freeCpuMillis: table.freeCpuMillis.reduce((sum, free) => sum + free, 0),
    fragmentedCpuMillis: Math.round(fragmentedCpu),
  };
}
