/** How busy the machine is. Rates are means since the sample before, so a sampler belongs to one reader. */
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { type GpuUsage, readGpuUsage } from './gpus.ts';
import { readNetworkBytes } from './network-usage.ts';

export interface MachineUsage {
  /** 0..1 of the machine. */
  readonly cpu: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  /** What is left on that disk for others than root. */
  readonly storageFreeBytes: number;
  /** 0..1, mean over the devices. */
  readonly gpu: number;
  /** By index. */
  readonly gpus?: readonly GpuUsage[];
  /** Since the machine started. */
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
}

export interface MachineSamplerOptions {
  readonly diskPath: string;
  readonly hasGpus: boolean;
}

export class MachineSampler {
  readonly #options: MachineSamplerOptions;
  #cpu = cpuTimes();

  constructor(options: MachineSamplerOptions) {
    this.#options = options;
  }

  async sample(): Promise<MachineUsage> {
    const cpu = cpuTimes();
    const total = cpu.total - this.#cpu.total;
    const busy = total <= 0 ? 0 : 1 - (cpu.idle - this.#cpu.idle) / total;
    this.#cpu = cpu;
    const [memoryBytes, disk, gpus, network] = await Promise.all([
      usedMemory(),
      statfs(this.#options.diskPath),
      this.#options.hasGpus ? readGpuUsage() : [],
      readNetworkBytes(),
    ]);
    return {
      cpu: Math.min(1, Math.max(0, busy)),
      memoryBytes,
      storageBytes: (disk.blocks - disk.bfree) * disk.bsize,
      storageFreeBytes: disk.bavail * disk.bsize,
      gpu: mean(gpus),
      gpus,
      networkRxBytes: network.rx,
      networkTxBytes: network.tx,
    };
  }
}

function cpuTimes(): { total: number; idle: number } {
  let total = 0;
  let idle = 0;
  for (const { times } of os.cpus()) {
    total += times.user + times.nice + times.sys + times.irq + times.idle;
    idle += times.idle;
  }
  return { total, idle };
}

/** What is not available to a new process; memory that only caches files does not count as used. */
async function usedMemory(): Promise<number> {
  const { mem } = await systemInformation();
  const { total, available } = await mem();
  return total - available;
}

/** Loaded when first used: a farm of many workers in one process does without. */
async function systemInformation(): Promise<typeof import('systeminformation')> {
  return (await import('systeminformation')).default;
}

function mean(gpus: readonly GpuUsage[]): number {
  return gpus.length === 0 ? 0 : gpus.reduce((sum, { busy }) => sum + busy, 0) / gpus.length;
}

/** A container that can not write its log or its layer fails in ways that look like the task's own. */
const FULL_BYTES = 256 * 2 ** 20;

export function diskComplaint(usage: MachineUsage, diskPath: string): string | null {
  if (usage.storageFreeBytes >= FULL_BYTES) return null;
  const mebibytes = Math.floor(usage.storageFreeBytes / 2 ** 20);
  return `the disk of ${diskPath} is full (${mebibytes} MiB left); make room, for example with "docker system prune"`;
}
