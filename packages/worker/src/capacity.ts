/** What this machine offers: the whole of it, unless the operator says otherwise. */
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { type GpuDevice, readGpus } from './gpus.ts';

export interface Capacity {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly gpus: readonly GpuDevice[];
  readonly custom: Readonly<Record<string, number>>;
}

/** Each one replaces what was found. */
export interface CapacityOverrides {
  readonly cpuMillis?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly storageBytes?: number | undefined;
  /** How many of the devices that were found are offered; with none found, that many without names. */
  readonly gpus?: number | undefined;
  readonly custom?: Readonly<Record<string, number>> | undefined;
}

/** `diskPath` is on the disk that containers write to. */
export async function detectCapacity(
  diskPath: string,
  gpus: readonly GpuDevice[],
  overrides: CapacityOverrides,
): Promise<Capacity> {
  return {
    cpuMillis: overrides.cpuMillis ?? os.availableParallelism() * 1000,
    memoryBytes: overrides.memoryBytes ?? os.totalmem(),
    storageBytes: overrides.storageBytes ?? (await diskBytes(diskPath)),
    gpus,
    custom: overrides.custom ?? {},
  };
}

/** The devices to offer: all that are found, or as many as the operator says. */
export async function detectGpus(count: number | undefined): Promise<GpuDevice[]> {
  if (count === 0) return [];
  const found = await readGpus();
  return count === undefined ? found : offered(found, count);
}

/** What the worker says of its machine without being asked. */
export function detectedLabels(capacity: Capacity): Record<string, string> {
  const model = capacity.gpus[0]?.model;
  return {
    os: process.platform,
    arch: process.arch,
    hostname: os.hostname(),
    ...(model === undefined ? {} : { gpu: model }),
  };
}

async function diskBytes(diskPath: string): Promise<number> {
  const { blocks, bsize } = await statfs(diskPath);
  return blocks * bsize;
}

function offered(found: readonly GpuDevice[], count: number): GpuDevice[] {
  return Array.from(
    { length: count },
    (_, index) => found[index] ?? { index, uuid: '', model: 'unknown', memoryBytes: 0 },
  );
}
