import { expect, test } from 'vitest';
import { readStats, type StatsAnswer } from './stats.ts';

const V2: StatsAnswer = {
  cpu_stats: { cpu_usage: { total_usage: 5_000_000 } },
  memory_stats: { usage: 3_000, stats: { inactive_file: 1_000 } },
  networks: { eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 10, tx_bytes: 20 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { op: 'read', value: 100 },
      { op: 'write', value: 30 },
      { op: 'read', value: 1 },
    ],
  },
};

test('sums over networks and disks; memory without what the kernel would give back', () => {
  expect(readStats(V2, false)).toEqual({
    cpuMicros: 5_000,
    memoryBytes: 2_000,
    memoryPeakBytes: 2_000,
    networkRxBytes: 11,
    networkTxBytes: 22,
    diskReadBytes: 101,
    diskWriteBytes: 30,
    paused: false,
  });
});

test('cgroup v1 writes its words differently, and an engine without the controller says nothing of disks', () => {
  const v1 = { ...V2, blkio_stats: { io_service_bytes_recursive: [{ op: 'Write', value: 7 }] } };
  expect(readStats(v1, false)).toMatchObject({ diskReadBytes: 0, diskWriteBytes: 7 });
  expect(readStats({ ...V2, blkio_stats: { io_service_bytes_recursive: null } }, true)).toMatchObject({
    diskReadBytes: null,
    diskWriteBytes: null,
    paused: true,
  });
});

test('a container that does not run has no figures', () => {
  expect(readStats({ cpu_stats: {}, memory_stats: {} }, false)).toBe(null);
});
