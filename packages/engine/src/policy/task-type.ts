/** Types of tasks by what they ask for, and what one of each type takes as a rule while nothing better is known. */
import type { Resources } from '../model/resources.ts';

export const TASK_TYPES = ['cpu-light', 'cpu-heavy', 'memory-heavy', 'gpu-inference', 'gpu-training', 'mixed'] as const;
export type TaskType = (typeof TASK_TYPES)[number];

/** A task without a deadline is wanted within so many times what it takes. */
export const SLA_MULTIPLIER = 2;

const SECONDS: Readonly<Record<TaskType, number>> = {
  'cpu-light': 5,
  'cpu-heavy': 15,
  'memory-heavy': 20,
  'gpu-inference': 10,
  'gpu-training': 60,
  mixed: 10,
};

const HEAVY_MEMORY_BYTES = 8 * 2 ** 30;
const HEAVY_CPU_MILLIS = 4_000;
const TRAINING_GPU_MILLIS = 2_000;

export function isTaskType(name: string): name is TaskType {
  return (TASK_TYPES as readonly string[]).includes(name);
}

/** `label`: what the task says of itself; it counts if there is such a type. */
export function typeOf({ cpuMillis, memoryBytes, gpuMillis }: Resources, label: string): TaskType {
  if (isTaskType(label)) return label;
  if (gpuMillis > TRAINING_GPU_MILLIS && cpuMillis > HEAVY_CPU_MILLIS) return 'gpu-training';
  if (gpuMillis > 0) return 'gpu-inference';
  if (memoryBytes > HEAVY_MEMORY_BYTES) return 'memory-heavy';
  if (cpuMillis > HEAVY_CPU_MILLIS) return 'cpu-heavy';
  return cpuMillis > 0 ? 'cpu-light' : 'mixed';
}

export function expectedSeconds(type: TaskType, expectedMs: number | null): number {
  return expectedMs === null ? SECONDS[type] : expectedMs / 1000;
}
