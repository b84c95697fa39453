/** Amounts of each resource as people read them: cores, bytes, devices. */
import type { ResourcesView } from '@cloudai/sdk';
import { bytes } from './bytes.ts';

export const RESOURCES = ['cpu', 'memory', 'storage', 'gpu'] as const;
export type ResourceName = (typeof RESOURCES)[number];

export const RESOURCE_LABEL: Readonly<Record<ResourceName, string>> = {
  cpu: 'CPU',
  memory: 'Memory',
  storage: 'Storage',
  gpu: 'GPU',
};

const FIELD = { cpu: 'cpuMillis', memory: 'memoryBytes', storage: 'storageBytes', gpu: 'gpuMillis' } as const;

/** In the unit of the API: thousandths of a core or device, bytes. */
export function amountOf(resources: ResourcesView, name: ResourceName): number {
  return resources[FIELD[name]];
}

export function amount(name: ResourceName, value: number): string {
  if (name === 'memory' || name === 'storage') return bytes(value);
  return thousandths(value);
}

/** With its unit where the number alone would not tell: `2 cores`. */
export function amountWithUnit(name: ResourceName, value: number): string {
  const text = amount(name, value);
  if (name === 'cpu') return `${text} ${value === 1000 ? 'core' : 'cores'}`;
  if (name === 'gpu') return `${text} ${value === 1000 ? 'GPU' : 'GPUs'}`;
  return text;
}

/** `2 CPU · 512 MiB`: what a task asks for, in a line. Storage is left out, it is hardly ever what matters. */
export function requestLine(resources: ResourcesView): string {
  const parts = [`${thousandths(resources.cpuMillis)} CPU`, bytes(resources.memoryBytes)];
  if (resources.gpuMillis > 0) parts.push(`${thousandths(resources.gpuMillis)} GPU`);
  for (const [name, count] of Object.entries(resources.custom)) parts.push(`${count} ${name}`);
  return parts.join(' · ');
}

export function thousandths(value: number): string {
  return String(Number((value / 1000).toFixed(3)));
}
