/**
 * The packing experiment of "Beware of Fragmentation" (ATC 2023) with the production pass: pods of the public lists
 * arrive in random order, never leave, and ask for 130 % of the GPUs. Each is placed or refused in its turn.
 */
import {
  type GpuShare,
  Ledger,
  type PlacementPolicy,
  place,
  type Task,
  type TypicalRequest,
  WaitingQueue,
  type Worker,
  type WorkerRoom,
} from '@cloudai/engine';
import { demandOf, FragmentationMeter } from '../figures/fragmentation-meter.ts';
import type { Arrival, OpenbNode, OpenbPod } from '../traces/openb.ts';
import { type Job, MIB, NO_IMAGE, specOf } from '../workload/job.ts';
import { openbWorker } from '../workload/recorded.ts';

/** Nodes and pods in the order of their names, which is what arrival orders count by. */
export class PackingTrial {
  readonly name: string;
  readonly nodes: readonly OpenbNode[];
  readonly pods: readonly OpenbPod[];
  readonly gpuMillis: number;
  /** What the whole list asks for: FGD is told this beforehand, as its authors did. */
  readonly demand: readonly TypicalRequest[];

  constructor(name: string, nodes: readonly OpenbNode[], pods: readonly OpenbPod[]) {
    this.name = name;
    this.nodes = nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    this.pods = pods.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    this.gpuMillis = nodes.reduce((sum, node) => sum + node.gpus * 1000, 0);
    this.demand = demandOf(this.pods.map(jobOf));
  }

  run(policy: PlacementPolicy, arrival: Arrival): PackingRun {
    const rooms = roomsOf(this.nodes, arrival.nodeRanks);
    const nodeOf = new Map(rooms.map(({ room, node }) => [room.worker.id, node]));
    const arriving = arrival.pods.map((row) => this.pods[row]!);
    const queue = new WaitingQueue();
    for (const [index, pod] of arriving.entries()) queue.add(taskOf(jobOf(pod, index), index));
    // In one pass, first come, first served: one that finds no room is refused, and nothing gets free.
    const { assignments } = place(
      {
        queue,
        workers: rooms.map(({ room }) => room),
        cursor: null,
        knowledge: { demand: this.demand, now: NOW },
        seed: arrival.seed,
        quota: () => null,
      },
      policy,
      arriving.length,
    );
    const decisions: PackingDecision[] = arriving.map((pod) => ({ pod, node: null, gpus: [] }));
    for (const { taskId, workerId, gpus } of assignments) {
      const index = Number(taskId.slice(1));
      decisions[index] = { pod: arriving[index]!, node: nodeOf.get(workerId)!.name, gpus: gpus ?? [] };
    }
    return { policy: policy.name, seed: arrival.seed, gpuMillis: this.gpuMillis, decisions };
  }
}

/** What of the GPUs is of no use after every arrival, in percent of the cluster. */
export function fragmentationCurve(trial: PackingTrial, { decisions }: PackingRun): number[] {
  const workers = trial.nodes.map((node) => ({ ...openbWorker(node), id: node.name }));
  const meter = new FragmentationMeter(workers, trial.demand);
  return decisions.map(({ pod, node, gpus }, index) => {
    if (node !== null) meter.reserve(node, jobOf(pod, index).request, gpus);
    return meter.share * 100;
  });
}

/** One arrival. */
export interface PackingDecision {
  readonly pod: OpenbPod;
  /** Null: it was refused. */
  readonly node: string | null;
  readonly gpus: readonly GpuShare[];
}

export interface PackingRun {
  readonly policy: string;
  readonly seed: number;
  readonly gpuMillis: number;
  readonly decisions: readonly PackingDecision[];
}

/** Any time will do: nothing ends. */
const NOW = 1_767_225_600_000;

/** Ties go to the smaller id, so ids begin with the rank; ascending by id, as the pass wants them. */
function roomsOf(nodes: readonly OpenbNode[], ranks: readonly number[]): { room: WorkerRoom; node: OpenbNode }[] {
  return nodes
    .map((node, index) => {
      const { capacity } = openbWorker(node);
      const worker = { ...WORKER, id: `${String(ranks[index]).padStart(6, '0')}-${node.name}`, capacity };
      return { room: { worker, ledger: new Ledger(capacity) }, node };
    })
    .sort((a, b) => (a.room.worker.id < b.room.worker.id ? -1 : 1));
}

const WORKER: Omit<Worker, 'id' | 'capacity'> = {
  state: 'active',
  address: null,
  remoteAddress: null,
  version: null,
  detectedLabels: {},
  labels: {},
  session: 1,
  incarnation: null,
  connected: true,
  lastSeenAt: NOW,
  drain: null,
  unhealthy: null,
  joinToken: null,
  certificateSerial: null,
  registeredAt: NOW,
};

function taskOf(job: Job, sequence: number): Task {
  return {
    ...{ id: job.id, namespace: 'default', owner: job.user, name: null, jobId: null, retryOf: null },
    ...{ spec: specOf(job), priority: job.priority, state: 'queued', reason: null, message: null, exitCode: null },
    ...{ submittedAt: NOW, sequence, eligibleAt: null, waitsFor: [], queuedAt: NOW, startedAt: null, endedAt: null },
    ...{ fence: 0, userFailures: 0, infraFailures: 0, suspectWorkers: [], imageDigest: null },
    ...{ cancelRequested: false, version: 1 },
  };
}

/** A pod may arrive more than once, so it is the arrival that has the id. */
function jobOf(pod: OpenbPod, index: number): Job {
  const { cpuMillis, memoryMib, gpuMillis, models } = pod;
  return {
    ...{ id: `a${index}`, submitMs: 0, runMs: 0, estimateMs: null },
    request: { cpuMillis, memoryBytes: memoryMib * MIB, storageBytes: 0, gpuMillis, custom: {} },
    ...{ gpuModels: models, user: 'openb', priority: 50, image: NO_IMAGE, failures: [] },
  };
}

/** A point after an arrival, both in percent of the cluster's GPUs. */
export interface PackingPoint {
  readonly asked: number;
  readonly allocated: number;
}

export function packingCurve({ decisions, gpuMillis }: PackingRun): PackingPoint[] {
  let asked = 0;
  let allocated = 0;
  return decisions.map(({ pod, node }) => {
    asked += pod.gpuMillis;
    if (node !== null) allocated += pod.gpuMillis;
    return { asked: (asked / gpuMillis) * 100, allocated: (allocated / gpuMillis) * 100 };
  });
}

/** Allocated GPUs in percent when so many percent have been asked for: the mean of the points within half a percent. */
export function allocationAt(curve: readonly PackingPoint[], percent: number): number {
  const near = curve.filter(({ asked }) => asked >= percent - 0.5 && asked < percent + 0.5);
  if (near.length === 0) throw new RangeError(`no arrival at ${percent} % of the GPUs`);
  return near.reduce((sum, { allocated }) => sum + allocated, 0) / near.length;
}

/** The decision log: one line an arrival. */
export function packingLog(run: PackingRun): string {
  const lines = run.decisions.map(
    ({ pod, node, gpus }, seq) =>
      `${run.seed},${seq},${pod.name},${node ?? ''},${gpus.map((share) => share.index).join('-')}`,
  );
  return `${['seed,seq,pod,node,gpus', ...lines].join('\n')}\n`;
}
