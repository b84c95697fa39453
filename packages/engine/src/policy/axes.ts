import type { Resources } from '../model/resources.ts';
import type { RoomTable } from './room-table.ts';

/**
 * The two resources that packing policies look at, in parts of the largest worker: CPU and GPU, as in the papers they
 * come from, and CPU and memory where the cluster has no GPU.
 */
export interface PackingAxes {
  readonly freeCpu: Float64Array;
  readonly freeOther: Float64Array;
  /** What the largest worker has. */
  readonly mostCpu: number;
  readonly mostOther: number;
  readonly other: 'gpu' | 'memory';
  /** What is asked for of the second one. */
  asked(request: Resources): number;
}

/** Scores of packing policies are cut to whole numbers from 0 to this; what is equal then goes to the first worker. */
export const MOST_SCORE = 100;

export function packingAxes(table: RoomTable): PackingAxes {
  const mostGpu = largest(table.gpuMillis);
  const hasGpu = mostGpu > 0;
  return {
    freeCpu: table.freeCpuMillis,
    freeOther: hasGpu ? table.freeGpuMillis : table.freeMemoryBytes,
    mostCpu: Math.max(1, largest(table.cpuMillis)),
    mostOther: Math.max(1, hasGpu ? mostGpu : largest(table.memoryBytes)),
    other: hasGpu ? 'gpu' : 'memory',
    asked: hasGpu ? ({ gpuMillis }) => gpuMillis : ({ memoryBytes }) => memoryBytes,
  };
}

export function largest(column: Float64Array): number {
  let most = 0;
  for (const value of column) if (value > most) most = value;
  return most;
}
