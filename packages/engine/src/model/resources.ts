/**
 * What a task asks for and a worker offers. Integers only, so that sums are exact:
 * CPU in millicores, memory and storage in bytes, GPU in thousandths of a device,
 * custom resources as plain counts.
 */
export interface Resources {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly gpuMillis: number;
  /** Named countable resources, e.g. `{ "licence-matlab": 2 }`. Absent names count as 0. */
  readonly custom: Readonly<Record<string, number>>;
}

/** Resource names in the order in which a refusal reports them; custom ones follow, by name. */
export const RESOURCE_NAMES = ['cpu', 'memory', 'storage', 'gpu'] as const;
/** One of the four built-in names, or the name of a custom resource. */
export type ResourceName = string;

/** A share of one GPU that a reservation holds. `index` counts the worker's devices from 0. */
export interface GpuShare {
  readonly index: number;
  /** Thousandths of the device: 1..1000. */
  readonly millis: number;
}
