/** The cluster at this moment, in numbers: what active workers have, what is held of it and what is in use. */
import type { ClusterSeries } from '@cloudai/api/rest';
import type { Engine } from '@cloudai/engine';
import type { WorkerUsage } from '../context.ts';

/** Older measurements say nothing about now. */
const FRESH_MS = 30_000;

export type ClusterNow = Record<
  Exclude<ClusterSeries, 'oldestWaitMs' | 'submitted' | 'started' | 'completed' | 'failed' | 'cancelled'>,
  number
>;

export function clusterNow(
  engine: Pick<Engine, 'workers' | 'allocated' | 'counts'>,
  used: (workerId: string) => WorkerUsage | null,
  now: number,
): ClusterNow {
  const counts = engine.counts();
  const sum: ClusterNow = {
    cpuMillisTotal: 0,
    cpuMillisAllocated: 0,
    cpuMillisUsed: 0,
    memoryBytesTotal: 0,
    memoryBytesAllocated: 0,
    memoryBytesUsed: 0,
    storageBytesTotal: 0,
    storageBytesAllocated: 0,
    storageBytesUsed: 0,
    gpuMillisTotal: 0,
    gpuMillisAllocated: 0,
    gpuMillisUsed: 0,
    workersActive: 0,
    workersSuspect: 0,
    workersLost: 0,
    tasksPending: counts.pending,
    tasksAssigned: counts.assigned,
    tasksRunning: counts.running,
    queueDepth: counts.queued,
  };
  for (const { id, state, capacity } of engine.workers()) {
    if (state === 'suspect') sum.workersSuspect += 1;
    if (state === 'lost') sum.workersLost += 1;
    if (state !== 'active' || capacity === null) continue;
    sum.workersActive += 1;
    const { resources } = capacity;
    sum.cpuMillisTotal += resources.cpuMillis;
    sum.memoryBytesTotal += resources.memoryBytes;
    sum.storageBytesTotal += resources.storageBytes;
    sum.gpuMillisTotal += resources.gpuMillis;
    const held = engine.allocated(id);
    sum.cpuMillisAllocated += held?.cpuMillis ?? 0;
    sum.memoryBytesAllocated += held?.memoryBytes ?? 0;
    sum.storageBytesAllocated += held?.storageBytes ?? 0;
    sum.gpuMillisAllocated += held?.gpuMillis ?? 0;
    const usage = used(id);
    if (usage === null || now - usage.at > FRESH_MS) continue;
    // The machine may be larger than what it offers; shares are of what it offers.
    sum.cpuMillisUsed += usage.cpu * resources.cpuMillis;
    sum.memoryBytesUsed += usage.memoryBytes;
    sum.storageBytesUsed += usage.storageBytes;
    sum.gpuMillisUsed += usage.gpu * resources.gpuMillis;
  }
  return sum;
}
