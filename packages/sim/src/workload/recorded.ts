/** Recorded logs as workloads. What only the future knows (durations, ends) goes into `runMs` and nowhere else. */
import type { Resources } from '@cloudai/engine';
import type { BatchJob } from '../protocols/rls.ts';
import type { GavelJob, GavelThroughputs } from '../traces/gavel.ts';
import type { OpenbNode, OpenbPod } from '../traces/openb.ts';
import type { PhillyJob } from '../traces/philly.ts';
import type { SwfJob, SwfLog } from '../traces/swf.ts';
import { GIB, type Job, MIB, NO_IMAGE, type SimWorker, simWorker, type Workload } from './job.ts';

/** Processors of a batch machine are cores of one worker: any of them will do for any job. */
export function swfWorkload(log: SwfLog, rules: SwfRules = AS_LOGGED): Workload {
  const jobs = cleanJobs(log, rules);
  const first = jobs[0]?.submit ?? 0;
  const worker = simWorker('machine', { cpuMillis: log.processors * 1000, memoryBytes: GIB });
  const made = jobs.map((job) =>
    recorded(`j${job.number}`, job.submit - first, job.run, {
      estimate: job.requestedTime ?? job.run,
      user: job.user === null ? 'unknown' : `user-${job.user}`,
      request: { cpuMillis: job.processors * 1000 },
    }),
  );
  return { name: log.name, workers: [worker], jobs: made };
}

/** Jobs in the clock of their log: orders that look at the time of submission see it as it was recorded. */
export function batchWorkload(name: string, processors: number, jobs: readonly BatchJob[]): Workload {
  const worker = simWorker('machine', { cpuMillis: processors * 1000, memoryBytes: GIB });
  const made = jobs.map((job) =>
    recorded(`j${job.number}`, job.submit, job.run, {
      estimate: job.requestedTime,
      user: job.user === null ? 'unknown' : `user-${job.user}`,
      request: { cpuMillis: job.processors * 1000 },
    }),
  );
  return { name, workers: [worker], jobs: made };
}

export interface SwfRules {
  /** What is done with records that can not be replayed: as RLScheduler's environment does, or left out. */
  readonly clean: 'rls' | 'drop';
  /** Jobs end when their requested time is over, as most machines see to it. */
  readonly cut: boolean;
}

export const AS_LOGGED: SwfRules = { clean: 'drop', cut: false };

export type CleanJob = { readonly [K in 'run' | 'processors']: number } & Omit<SwfJob, 'run' | 'processors'>;

/** `rls`: an unknown run time counts as 10 seconds, a run time of none is left out. */
export function cleanJobs(log: SwfLog, { clean, cut }: SwfRules): CleanJob[] {
  const jobs: CleanJob[] = [];
  for (const job of log.jobs) {
    const run = job.run ?? (clean === 'rls' ? 10 : null);
    if (run === null || run === 0 || job.processors === null || job.processors > log.processors) continue;
    const limit = cut && job.requestedTime !== null && job.requestedTime > 0 ? job.requestedTime : run;
    jobs.push({ ...job, run: Math.min(run, limit), processors: job.processors });
  }
  return clean === 'rls' ? jobs.sort((a, b) => a.number - b.number) : jobs.sort((a, b) => a.submit - b.submit);
}

export interface OpenbReplay {
  /** Pods created before this second are left out: the first weeks hold few. */
  readonly from: number;
  /** Arrivals come this many times as fast. */
  readonly load: number;
}

/** Pods that ran, on the nodes given; those that fit on none of them even when it is empty are left out. */
export function openbWorkload(nodes: readonly OpenbNode[], pods: readonly OpenbPod[], options: OpenbReplay): Workload {
  const workers = nodes.map(openbWorker);
  const ran = pods
    .filter((pod) => pod.createdAt !== null && pod.createdAt >= options.from && durationOf(pod) !== null)
    .filter((pod) => nodes.some((node) => couldHold(node, pod)))
    .sort((a, b) => a.createdAt! - b.createdAt! || (a.name < b.name ? -1 : 1));
  const first = ran[0]?.createdAt ?? 0;
  const jobs = ran.map((pod) => ({
    ...recorded(pod.name, (pod.createdAt! - first) / options.load, durationOf(pod)!, {
      estimate: null,
      user: 'openb',
      request: { cpuMillis: pod.cpuMillis, memoryBytes: pod.memoryMib * MIB, gpuMillis: pod.gpuMillis },
    }),
    gpuModels: pod.models,
  }));
  return { name: `openb at load ${options.load}`, workers, jobs };
}

export function openbWorker({ name, cpuMillis, memoryMib, gpus, model }: OpenbNode): SimWorker {
  return simWorker(name, { cpuMillis, memoryBytes: memoryMib * MIB }, { count: gpus, model });
}

/** Seconds from its start to its end; null for one that never ran. */
export function durationOf({ scheduledAt, deletedAt }: OpenbPod): number | null {
  return scheduledAt === null || deletedAt === null ? null : deletedAt - scheduledAt;
}

export function couldHold(node: OpenbNode, pod: OpenbPod): boolean {
  if (node.cpuMillis < pod.cpuMillis || node.memoryMib < pod.memoryMib) return false;
  if (pod.gpuMillis > node.gpus * 1000) return false;
  return pod.gpuMillis === 0 || pod.models.length === 0 || pod.models.includes(node.model ?? '');
}

/** Machines of eight GPUs, as many as make `load` of what the jobs ask for. */
export function phillyWorkload(all: readonly PhillyJob[], take: number, load: number): Workload {
  const taken = [...all].sort((a, b) => a.submit - b.submit).slice(0, take);
  const first = taken[0]?.submit ?? 0;
  const span = (taken.at(-1)?.submit ?? 0) - first;
  const largest = Math.max(...taken.map((job) => job.gpus));
  // What arrives within the span counts as far as it could run within it.
  const work = taken.reduce((sum, job) => sum + job.gpus * Math.min(job.duration, Math.max(1, span)), 0);
  const count = Math.max(Math.ceil(largest / 8), Math.ceil(work / Math.max(1, span) / load / 8));
  const workers = Array.from({ length: count }, (_, n) =>
    simWorker(
      `gpu-${String(n).padStart(4, '0')}`,
      { cpuMillis: 64_000, memoryBytes: 512 * GIB },
      { count: 8, model: 'P100' },
    ),
  );
  // A job of more than eight GPUs spans machines; here it is cut into parts of eight, each a job of its own.
  const jobs = taken.flatMap((job, index) =>
    Array.from({ length: Math.ceil(job.gpus / 8) }, (_, part) => {
      const gpus = Math.min(8, job.gpus - part * 8);
      return recorded(`p${index}-${part}`, job.submit - first, Math.max(1, job.duration), {
        estimate: null,
        user: job.virtualCluster,
        request: { cpuMillis: gpus * 4_000, memoryBytes: gpus * 32 * GIB, gpuMillis: gpus * 1000 },
      });
    }),
  );
  return { name: `philly, ${taken.length} jobs`, workers, jobs };
}

/** Two machines of eight GPUs of each model; slower models take as much longer as they do on average. */
export function gavelWorkload(jobs: readonly GavelJob[], rates: GavelThroughputs, name: string): Workload {
  // Those of jobs whose GPUs are on several machines are left alone: here a job has one machine.
  const models = rates.models.filter((model) => !model.endsWith('_unconsolidated'));
  const fastest = models.at(-1)!;
  const workers = models.flatMap((model) => {
    const ratios = jobs.map((job) => rates.stepsPerSecond(model, job) / rates.stepsPerSecond(fastest, job));
    const speed = Math.max(0.01, ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length);
    return [0, 1].map((n) => ({
      ...simWorker(`${model}-${n}`, { cpuMillis: 64_000, memoryBytes: 512 * GIB }, { count: 8, model }),
      speed,
    }));
  });
  const made = [...jobs]
    .sort((a, b) => a.arrival - b.arrival)
    .map((job, index) =>
      recorded(`g${index}`, job.arrival, job.steps / rates.stepsPerSecond(fastest, job), {
        estimate: null,
        user: job.jobType.split(' ')[0]!.toLowerCase(),
        request: { cpuMillis: job.scale * 2_000, memoryBytes: job.scale * 16 * GIB, gpuMillis: job.scale * 1000 },
      }),
    );
  return { name, workers, jobs: made };
}

interface Recorded {
  /** Seconds. */
  readonly estimate: number | null;
  readonly user: string;
  readonly request: Partial<Resources>;
}

/** Times in seconds. Submits are rounded up, so that nothing starts before it was there. */
function recorded(id: string, submit: number, run: number, { estimate, user, request }: Recorded): Job {
  return {
    id,
    submitMs: Math.ceil(submit * 1000),
    runMs: Math.round(run * 1000),
    estimateMs: estimate === null || estimate <= 0 ? null : estimate * 1000,
    request: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, gpuMillis: 0, custom: {}, ...request },
    gpuModels: [],
    user,
    priority: 50,
    image: NO_IMAGE,
    failures: [],
  };
}
