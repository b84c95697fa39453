import type { WorkerView } from '@cloudai/sdk';
import type { ResourceName } from '../../format/amount.ts';

/** How much of a machine is really in use, 0..1; null where it was not measured. */
export function usedShare({ usage, total }: Pick<WorkerView, 'usage' | 'total'>, name: ResourceName): number | null {
  if (usage === null || total === null) return null;
  switch (name) {
    case 'cpu':
      return usage.cpu;
    case 'memory':
      return usage.memoryBytes / total.memoryBytes;
    case 'storage':
      return usage.storageBytes / total.storageBytes;
    case 'gpu':
      return usage.gpu;
  }
}
