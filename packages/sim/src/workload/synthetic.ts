/**
 * Made workloads, seeded. Mixed kinds of tasks, users that submit bursts of near-equal ones, a rhythm of days, round
 * estimates, failures: what recorded logs show, at any size.
 */
import { Random } from '../random.ts';
import { GIB, type Job, MIB, type SimWorker, simWorker, type Workload } from './job.ts';

export interface SyntheticOptions {
  readonly seed: number;
  readonly jobs: number;
  readonly workers: number;
  /** Of the scarcest resource: what arrives over what the machines can do. Above 1 the queue only grows. */
  readonly load: number;
  readonly users: number;
  /** Jobs of one burst on average; 1: everybody submits one by one. */
  readonly burst: number;
  /** Whether nights are quiet. */
  readonly daily: boolean;
  /** Jobs of which the first attempt fails. */
  readonly failing: number;
}

export const SYNTHETIC: SyntheticOptions = {
  seed: 1,
  jobs: 100,
  workers: 5,
  load: 2.5,
  users: 4,
  burst: 3,
  daily: false,
  failing: 0.02,
};

interface Kind {
  readonly name: string;
  readonly weight: number;
  readonly cpu: readonly number[];
  readonly memory: readonly number[];
  readonly gpu: readonly number[];
  /** Median run time in seconds and the spread of its logarithm. */
  readonly runSeconds: number;
  readonly spread: number;
  readonly imageMib: number;
}

/** The task types of the scheduler with their usual times, and how often each comes. */
const KINDS: readonly Kind[] = [
  {
    name: 'cpu-light',
    weight: 30,
    cpu: [0.5, 1, 2],
    memory: [0.5, 1, 2],
    gpu: [0],
    runSeconds: 5,
    spread: 0.8,
    imageMib: 60,
  },
  {
    name: 'cpu-heavy',
    weight: 20,
    cpu: [4, 6, 8],
    memory: [2, 4, 8],
    gpu: [0],
    runSeconds: 15,
    spread: 1,
    imageMib: 200,
  },
  {
    name: 'memory-heavy',
    weight: 15,
    cpu: [1, 2],
    memory: [12, 16, 24],
    gpu: [0],
    runSeconds: 20,
    spread: 0.8,
    imageMib: 200,
  },
  {
    name: 'gpu-inference',
    weight: 15,
    cpu: [1, 2],
    memory: [4, 8],
    gpu: [0.25, 0.5, 1],
    runSeconds: 10,
    spread: 0.7,
    imageMib: 900,
  },
  {
    name: 'gpu-training',
    weight: 10,
    cpu: [6, 8],
    memory: [16, 32],
    gpu: [1, 2, 4],
    runSeconds: 60,
    spread: 1,
    imageMib: 2_000,
  },
  { name: 'mixed', weight: 10, cpu: [2, 3, 4], memory: [2, 4, 8], gpu: [0], runSeconds: 10, spread: 1, imageMib: 300 },
];

/** Machines in turn: two without GPUs, one with shares in mind, one for training. */
const MACHINES = [
  { cpu: 16, memory: 64, gpus: 0, model: null },
  { cpu: 8, memory: 32, gpus: 0, model: null },
  { cpu: 16, memory: 64, gpus: 2, model: 'T4' },
  { cpu: 32, memory: 128, gpus: 4, model: 'V100' },
  { cpu: 32, memory: 96, gpus: 0, model: null },
] as const;

/** Most people think in these, in seconds. */
const ROUND_ESTIMATES = [10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200];
const DAY_MS = 86_400_000;

export function synthetic(options: SyntheticOptions = SYNTHETIC): Workload {
  const random = new Random(options.seed);
  const workers = syntheticWorkers(options.workers);
  const drafts = Array.from({ length: options.jobs }, () => fittingDraft(random, workers));
  const gapMs = meanGapMs(drafts, workers, options.load);
  const jobs: Job[] = [];
  let at = 0;
  let left = 0;
  let user = '';
  let model = drafts[0]!;
  for (const [index, next] of drafts.entries()) {
    if (left === 0) {
      // A burst: one user, one kind of work, seconds apart; what follows is as much later.
      left = Math.max(1, Math.round(random.exponential(options.burst)));
      user = `user-${random.integer(1, options.users)}`;
      model = next;
      if (index > 0) at += random.exponential(gapMs * left);
      if (options.daily) at = throughTheNight(at, random);
    }
    left--;
    jobs.push(
      jobOf(
        index,
        at,
        user,
        options.burst > 1 ? { ...model, runMs: again(model.runMs, random) } : next,
        random,
        options,
      ),
    );
    at += options.burst > 1 ? random.exponential(Math.min(1_000, gapMs)) : 0;
  }
  return { name: `synthetic, ${options.jobs} jobs, seed ${options.seed}`, workers, jobs };
}

export function syntheticWorkers(count: number): SimWorker[] {
  const digits = String(count).length;
  return Array.from({ length: count }, (_, n) => {
    const machine = MACHINES[n % MACHINES.length]!;
    const id = `worker-${String(n + 1).padStart(digits, '0')}`;
    const { cpu, memory, gpus, model } = machine;
    return simWorker(id, { cpuMillis: cpu * 1000, memoryBytes: memory * GIB }, { count: gpus, model });
  });
}

interface Draft {
  readonly kind: Kind;
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly gpuMillis: number;
  readonly runMs: number;
}

/** Draws until one is drawn that a worker could hold; few are drawn in vain. */
function fittingDraft(random: Random, workers: readonly SimWorker[]): Draft {
  for (let tries = 0; tries < 1_000; tries++) {
    const one = draft(random);
    if (workers.some(({ capacity: { resources } }) => AMOUNTS.every((name) => one[name] <= resources[name])))
      return one;
  }
  throw new Error(`none of the made tasks fits on any of ${workers.length} workers`);
}

const AMOUNTS = ['cpuMillis', 'memoryBytes', 'gpuMillis'] as const;

function draft(random: Random): Draft {
  const kind = pickKind(random);
  return {
    kind,
    cpuMillis: random.pick(kind.cpu) * 1000,
    memoryBytes: random.pick(kind.memory) * GIB,
    gpuMillis: random.pick(kind.gpu) * 1000,
    runMs: Math.max(200, Math.round(random.logNormal(kind.runSeconds, kind.spread) * 1000)),
  };
}

function pickKind(random: Random): Kind {
  let left = random.uniform() * KINDS.reduce((sum, kind) => sum + kind.weight, 0);
  for (const kind of KINDS) {
    left -= kind.weight;
    if (left < 0) return kind;
  }
  return KINDS[0]!;
}

function again(runMs: number, random: Random): number {
  return Math.max(200, Math.round(random.logNormal(runMs, 0.15)));
}

/** So that what arrives is `load` of what the workers can do of the resource that is asked for most. */
function meanGapMs(drafts: readonly Draft[], workers: readonly SimWorker[], load: number): number {
  let workMs = 0;
  for (const name of AMOUNTS) {
    const capacity = workers.reduce((sum, worker) => sum + worker.capacity.resources[name], 0);
    const demand = drafts.reduce((sum, one) => sum + one[name] * one.runMs, 0);
    if (capacity > 0) workMs = Math.max(workMs, demand / capacity);
  }
  return workMs / load / drafts.length;
}

/** Between eight in the evening and eight in the morning nine of ten bursts wait for the day. */
function throughTheNight(at: number, random: Random): number {
  const hour = ((at % DAY_MS) / DAY_MS) * 24;
  const isNight = hour < 8 || hour >= 20;
  if (!isNight || random.uniform() < 0.1) return at;
  const morning = Math.floor(at / DAY_MS) * DAY_MS + DAY_MS / 3;
  return (hour < 8 ? morning : morning + DAY_MS) + random.exponential(DAY_MS / 48);
}

function jobOf(index: number, at: number, user: string, from: Draft, random: Random, options: SyntheticOptions): Job {
  const { kind, cpuMillis, memoryBytes, gpuMillis, runMs } = from;
  const guess = (runMs / 1000) * random.logNormal(2, 0.6);
  const estimate = ROUND_ESTIMATES.find((seconds) => seconds >= guess) ?? ROUND_ESTIMATES.at(-1)!;
  return {
    id: `j${String(index + 1).padStart(String(options.jobs).length, '0')}`,
    submitMs: Math.round(at),
    runMs,
    estimateMs: estimate * 1000,
    request: { cpuMillis, memoryBytes, storageBytes: GIB, gpuMillis, custom: {} },
    gpuModels: [],
    user,
    priority: 50,
    image: { name: `${kind.name}:${random.integer(1, 3)}`, bytes: kind.imageMib * MIB },
    failures: random.uniform() < options.failing ? [random.between(0.05, 1)] : [],
  };
}
