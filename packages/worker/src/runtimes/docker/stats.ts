import type { ContainerStats } from '../runtime.ts';

/** The part of Docker's stats answer that is used; cgroup v1 and v2 name their memory figures differently. */
export interface StatsAnswer {
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: {
    readonly usage?: number;
    readonly max_usage?: number;
    readonly stats?: Readonly<Record<string, number>>;
  };
  readonly blkio_stats?: {
    readonly io_service_bytes_recursive?: readonly { readonly op?: string; readonly value?: number }[] | null;
  };
  readonly networks?: Readonly<Record<string, { readonly rx_bytes: number; readonly tx_bytes: number }>>;
}

/** Null for a container that does not run: the daemon then answers zeroes. */
export function readStats(answer: StatsAnswer, paused: boolean): ContainerStats | null {
  const usage = answer.memory_stats?.usage;
  const cpu = answer.cpu_stats?.cpu_usage?.total_usage;
  if (usage === undefined || cpu === undefined) return null;
  const details = answer.memory_stats?.stats ?? {};
  // File cache that the kernel would give back is not use; `total_inactive_file` is v1, `inactive_file` is v2.
  const cache = details.total_inactive_file ?? details.inactive_file ?? 0;
  const memoryBytes = Math.max(0, usage - cache);
  const networks = Object.values(answer.networks ?? {});
  return {
    cpuMicros: Math.floor(cpu / 1000),
    memoryBytes,
    memoryPeakBytes: Math.max(memoryBytes, answer.memory_stats?.max_usage ?? 0),
    networkRxBytes: networks.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    networkTxBytes: networks.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
    diskReadBytes: transferred(answer, 'read'),
    diskWriteBytes: transferred(answer, 'write'),
    paused,
  };
}

/** cgroup v1 writes `Read`, v2 `read`; an engine without the controller says nothing. */
function transferred(answer: StatsAnswer, op: 'read' | 'write'): number | null {
  const devices = answer.blkio_stats?.io_service_bytes_recursive;
  if (devices == null) return null;
  return devices.reduce((sum, device) => (device.op?.toLowerCase() === op ? sum + (device.value ?? 0) : sum), 0);
}
