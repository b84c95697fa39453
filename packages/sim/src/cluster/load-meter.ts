import type { Attempt, Resources } from '@cloudai/engine';
import { demandOf, FragmentationMeter } from '../figures/fragmentation-meter.ts';
import type { Workload } from '../workload/job.ts';
import type { Sample } from './record.ts';

/** What live attempts hold, of every worker and together, followed through the engine's own changes. */
export class LoadMeter {
  readonly capacity: { readonly cpuMillis: number; readonly memoryBytes: number; readonly gpuMillis: number };
  readonly samples: Sample[] = [];
  readonly #workers = new Map<string, { readonly total: Resources; readonly held: Held; load: number }>();
  readonly #live = new Map<string, Attempt>();
  readonly #held: Held = { cpuMillis: 0, memoryBytes: 0, gpuMillis: 0 };
  readonly #fragmentation: FragmentationMeter | null;
  #loadSum = 0;
  #squareSum = 0;

  constructor({ workers, jobs }: Workload) {
    const capacity = { cpuMillis: 0, memoryBytes: 0, gpuMillis: 0 };
    for (const { id, capacity: offer } of workers) {
      const total = offer.resources;
      this.#workers.set(id, { total, held: { cpuMillis: 0, memoryBytes: 0, gpuMillis: 0 }, load: 0 });
      move(capacity, total, 1);
    }
    this.capacity = capacity;
    this.#fragmentation = capacity.gpuMillis === 0 ? null : new FragmentationMeter(workers, demandOf(jobs));
  }

  allocated(attempt: Attempt): void {
    const { workerId, reserved } = attempt;
    const key = keyOf(attempt);
    if (this.#live.has(key)) return;
    this.#live.set(key, attempt);
    this.#move(workerId, reserved, 1);
    this.#fragmentation?.reserve(workerId, reserved, attempt.gpus);
  }

  released(attempt: Attempt): void {
    const key = keyOf(attempt);
    const live = this.#live.get(key);
    if (live === undefined) return;
    this.#live.delete(key);
    this.#move(live.workerId, live.reserved, -1);
    this.#fragmentation?.release(live);
  }

  /** The later of two samples of one moment counts. */
  sample(at: number, queued: number): void {
    if (this.samples.at(-1)?.at === at) this.samples.pop();
    const count = this.#workers.size;
    const mean = this.#loadSum / count;
    this.samples.push({
      at,
      queued,
      running: this.#live.size,
      ...this.#held,
      fragmented: this.#fragmentation?.share ?? 0,
      loadMean: mean,
      // What rounding leaves of an empty cluster is not a variance.
      loadVariance: Math.max(0, this.#squareSum / count - mean * mean),
    });
  }

  #move(workerId: string, amounts: Resources, sign: 1 | -1): void {
    const worker = this.#workers.get(workerId)!;
    move(this.#held, amounts, sign);
    move(worker.held, amounts, sign);
    this.#loadSum -= worker.load;
    this.#squareSum -= worker.load * worker.load;
    worker.load = loadOf(worker.held, worker.total);
    this.#loadSum += worker.load;
    this.#squareSum += worker.load * worker.load;
  }
}

interface Held {
  cpuMillis: number;
  memoryBytes: number;
  gpuMillis: number;
}

function move(held: Held, amounts: Held, sign: 1 | -1): void {
  held.cpuMillis += sign * amounts.cpuMillis;
  held.memoryBytes += sign * amounts.memoryBytes;
  held.gpuMillis += sign * amounts.gpuMillis;
}

/** The mean of the allocated parts of what the worker has of CPU, memory and GPU. */
function loadOf(held: Held, total: Resources): number {
  let sum = 0;
  let kinds = 0;
  for (const name of ['cpuMillis', 'memoryBytes', 'gpuMillis'] as const) {
    if (total[name] === 0) continue;
    sum += held[name] / total[name];
    kinds++;
  }
  return kinds === 0 ? 0 : sum / kinds;
}

function keyOf({ taskId, number }: Attempt): string {
  return `${taskId}.${number}`;
}
