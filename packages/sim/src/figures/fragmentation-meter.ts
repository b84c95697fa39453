import {
  type Attempt,
  Fragmentation,
  type GpuShare,
  Ledger,
  type Resources,
  RoomTable,
  type TypicalRequest,
} from '@cloudai/engine';
import type { Job, SimWorker } from '../workload/job.ts';

/**
 * How much of the free GPUs is of no use for what is asked for: the measure of FGD, kept up to date as reservations come
 * and go. The demand is that of the whole workload, as befits a measure; no policy sees it from here.
 */
export class FragmentationMeter {
  readonly #rows: ReadonlyMap<string, number>;
  readonly #ledgers: readonly Ledger[];
  readonly #table: RoomTable;
  readonly #fragmentation: Fragmentation;
  readonly #gpuMillis: number;
  #millis = 0;

  constructor(workers: readonly Pick<SimWorker, 'id' | 'capacity'>[], demand: readonly TypicalRequest[]) {
    this.#rows = new Map(workers.map(({ id }, row) => [id, row]));
    this.#ledgers = workers.map(({ capacity }) => new Ledger(capacity));
    this.#table = new RoomTable(this.#ledgers);
    this.#fragmentation = new Fragmentation(this.#table, demand);
    this.#gpuMillis = workers.reduce((sum, { capacity }) => sum + capacity.resources.gpuMillis, 0);
    for (let row = 0; row < workers.length; row++) this.#millis += this.#fragmentation.of(row);
  }

  /** Fragments in parts of the cluster's GPUs. */
  get share(): number {
    return this.#gpuMillis === 0 ? 0 : this.#millis / this.#gpuMillis;
  }

  reserve(workerId: string, reserved: Resources, gpus: readonly GpuShare[]): void {
    this.#change(workerId, (ledger) => ledger.reserveShares(reserved, gpus));
  }

  release({ workerId, reserved, gpus }: Pick<Attempt, 'workerId' | 'reserved' | 'gpus'>): void {
    this.#change(workerId, (ledger) => ledger.release(reserved, gpus));
  }

  #change(workerId: string, change: (ledger: Ledger) => void): void {
    const row = this.#rows.get(workerId)!;
    this.#millis -= this.#fragmentation.of(row);
    change(this.#ledgers[row]!);
    this.#table.renew(row, this.#ledgers[row]!);
    this.#fragmentation.renew(row);
    this.#millis += this.#fragmentation.of(row);
  }
}

/** What jobs ask for, and how often. */
export function demandOf(jobs: readonly Pick<Job, 'request' | 'gpuModels'>[]): TypicalRequest[] {
  const kinds = new Map<string, { -readonly [K in keyof TypicalRequest]: TypicalRequest[K] }>();
  for (const { request, gpuModels } of jobs) {
    const key = `${request.cpuMillis}/${request.memoryBytes}/${request.gpuMillis}/${gpuModels.join('|')}`;
    const known = kinds.get(key);
    if (known === undefined) kinds.set(key, { request, gpuModels, count: 1 });
    else known.count++;
  }
  return [...kinds.values()].sort((a, b) => b.count - a.count);
}
