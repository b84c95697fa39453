import { GPU_DEVICE_MILLIS } from '../model/gpu.ts';
import type { Resources } from '../model/resources.ts';
import { MOST_SCORE } from './axes.ts';
import type { GpuTable } from './gpu-table.ts';
import type { ScoringPolicy } from './policy.ts';

const HALF = Math.trunc(MOST_SCORE / 2);
const THIRD = Math.trunc(MOST_SCORE / 3);

/**
 * GPUs in use first, then free ones beside them, then those of an idle worker:
 * a used device: 100 − what is free on it in % / 10, at least 50;
 * free devices of a worker in use: 50 − how many of them, at least 33;
 * an idle worker: 33 − its devices.
 * Without a GPU request all workers are alike.
 */
export const gpuPacking: ScoringPolicy = {
  kind: 'scoring',
  name: 'gpu-packing',
  version: 1,
  summary: 'GPUs that are in use already, then free ones of workers in use, then idle workers.',
  source:
    'Weng et al., MLaaS in the Wild, NSDI 2022, as GpuPackingScore of Weng et al., USENIX ATC 2023 (hkust-adsl/kubernetes-scheduler-simulator)',
  prepare: (table) => {
    const { gpus } = table;
    const scoreOf = (request: Resources, row: number) => packing(gpus, request.gpuMillis, row);
    return {
      spreads: false,
      ceiling: null,
      score({ request }, rows, count, scores) {
        if (request.gpuMillis === 0) scores.fill(0, 0, count);
        else for (let at = 0; at < count; at++) scores[at] = scoreOf(request, rows[at]!);
      },
      parts: ({ request }, row) => ({ packing: request.gpuMillis === 0 ? 0 : scoreOf(request, row) }),
    };
  },
};

function packing(gpus: GpuTable, millis: number, row: number): number {
  const start = row * gpus.width;
  const devices = gpus.count[row]!;
  let idle = 0;
  let tightest = GPU_DEVICE_MILLIS;
  for (let slot = 0; slot < devices; slot++) {
    const free = gpus.free[start + slot]!;
    if (free === GPU_DEVICE_MILLIS) idle++;
    else if (free >= millis && free < tightest) tightest = free;
  }
  if (idle === devices) return Math.max(THIRD - idle, idle);
  if (tightest === GPU_DEVICE_MILLIS) return Math.max(HALF - Math.ceil(millis / GPU_DEVICE_MILLIS), THIRD);
  const percent = Math.trunc((tightest * 100) / GPU_DEVICE_MILLIS);
  return Math.max(MOST_SCORE - Math.trunc(percent / 10), HALF);
}
