import type { GpuShare } from '@cloudai/engine';

/** One run of a job on a worker. */
export interface RunRecord {
  readonly workerId: string;
  readonly gpus: readonly GpuShare[];
  readonly startMs: number;
  readonly endMs: number;
  readonly succeeded: boolean;
}

/** What became of a job; times from the begin of the workload. */
export interface JobRecord {
  readonly jobId: string;
  readonly user: string;
  readonly submitMs: number;
  /** First start; null if it never started. */
  startMs: number | null;
  endMs: number | null;
  completed: boolean;
  readonly runs: RunRecord[];
}

/** The cluster as it is from `at` until the next sample. */
export interface Sample {
  readonly at: number;
  readonly queued: number;
  readonly running: number;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly gpuMillis: number;
  /** What of the GPUs is free and of no use for what is asked for, in parts of all. */
  readonly fragmented: number;
  /** Over the workers, of the part of each that is allocated. */
  readonly loadMean: number;
  readonly loadVariance: number;
}

/** Everything that a replay leaves behind. */
export interface Replay {
  readonly scheduler: string;
  readonly workload: string;
  readonly jobs: readonly JobRecord[];
  readonly samples: readonly Sample[];
  readonly capacity: { readonly cpuMillis: number; readonly memoryBytes: number; readonly gpuMillis: number };
  /** Real time that the engine took for its longest step, and all of them together. */
  readonly decisions: { readonly steps: number; readonly totalMs: number; readonly longestMs: number };
}
