/**
 * The workers of one schedule pass as columns of numbers, one row per worker in the order of ids. A pass looks at
 * workers millions of times; in columns that costs a few nanoseconds each, through the ledgers ten times as much.
 * The ledgers stay the authority: the table is a copy that is renewed from them row by row.
 */
import { GPU_DEVICE_MILLIS } from '../model/gpu.ts';
import type { Ledger } from '../model/ledger.ts';
import type { Resources } from '../model/resources.ts';
import { GpuTable } from './gpu-table.ts';

export class RoomTable {
  readonly count: number;
  /** By row; empty where nobody wants to know. */
  readonly workerIds: readonly string[];
  // What is free, and 0 where a shrunken worker has less than nothing left.
  readonly freeCpuMillis: Float64Array;
  readonly freeMemoryBytes: Float64Array;
  readonly freeStorageBytes: Float64Array;
  readonly freeGpuMillis: Float64Array;
  /** Largest share of one GPU that a request below one device can get. */
  readonly gpuShareRoom: Float64Array;
  /** What a request for whole GPUs can get. */
  readonly gpuWholeRoom: Float64Array;
  readonly cpuMillis: Float64Array;
  readonly memoryBytes: Float64Array;
  readonly storageBytes: Float64Array;
  readonly gpuMillis: Float64Array;
  /** At most what the fullest row has: requests up to this fit everywhere, and need no look at the column. */
  #leastCpu = Number.POSITIVE_INFINITY;
  #leastMemory = Number.POSITIVE_INFINITY;
  #leastStorage = Number.POSITIVE_INFINITY;
  readonly #ledgers: readonly Ledger[];
  #gpus: GpuTable | null = null;

  /** `ledgers`: read again when a policy first wants to see the single GPUs. */
  constructor(ledgers: readonly Ledger[], workerIds: readonly string[] = []) {
    this.workerIds = workerIds;
    this.count = ledgers.length;
    this.#ledgers = ledgers;
    const column = () => new Float64Array(ledgers.length);
    this.freeCpuMillis = column();
    this.freeMemoryBytes = column();
    this.freeStorageBytes = column();
    this.freeGpuMillis = column();
    this.gpuShareRoom = column();
    this.gpuWholeRoom = column();
    this.cpuMillis = column();
    this.memoryBytes = column();
    this.storageBytes = column();
    this.gpuMillis = column();
    for (let row = 0; row < ledgers.length; row++) {
      const ledger = ledgers[row]!;
      const total = ledger.capacity.resources;
      this.cpuMillis[row] = total.cpuMillis;
      this.memoryBytes[row] = total.memoryBytes;
      this.storageBytes[row] = total.storageBytes;
      this.gpuMillis[row] = total.gpuMillis;
      this.renew(row, ledger);
    }
  }

  /** The GPUs of every worker, one by one. */
  get gpus(): GpuTable {
    this.#gpus ??= new GpuTable(this.#ledgers);
    return this.#gpus;
  }

  /** After a placement on this row. */
  renew(row: number, ledger: Ledger): void {
    this.#gpus?.renew(row, ledger);
    const cpu = Math.max(0, ledger.freeCpuMillis);
    const memory = Math.max(0, ledger.freeMemoryBytes);
    const storage = Math.max(0, ledger.freeStorageBytes);
    const gpu = Math.max(0, ledger.freeGpuMillis);
    this.freeCpuMillis[row] = cpu;
    this.freeMemoryBytes[row] = memory;
    this.freeStorageBytes[row] = storage;
    this.freeGpuMillis[row] = gpu;
    this.gpuShareRoom[row] = Math.min(gpu, ledger.largestFreeGpuMillis);
    this.gpuWholeRoom[row] = Math.min(gpu, ledger.wholeFreeGpus * GPU_DEVICE_MILLIS);
    if (cpu < this.#leastCpu) this.#leastCpu = cpu;
    if (memory < this.#leastMemory) this.#leastMemory = memory;
    if (storage < this.#leastStorage) this.#leastStorage = storage;
  }

  /**
   * Keeps those of the first `count` rows that have enough of the four built-in resources, in place, and answers how
   * many. Custom resources are not looked at; `Ledger.fits` has the last word.
   */
  screen(request: Resources, rows: Int32Array, count: number): number {
    let left = count;
    // Column by column, and only those that can turn anybody down: most requests ask for no GPU and little storage.
    if (request.cpuMillis > this.#leastCpu) left = keep(rows, left, this.freeCpuMillis, request.cpuMillis);
    if (request.memoryBytes > this.#leastMemory) left = keep(rows, left, this.freeMemoryBytes, request.memoryBytes);
    if (request.storageBytes > this.#leastStorage) left = keep(rows, left, this.freeStorageBytes, request.storageBytes);
    if (request.gpuMillis > 0) {
      const room = request.gpuMillis < GPU_DEVICE_MILLIS ? this.gpuShareRoom : this.gpuWholeRoom;
      left = keep(rows, left, room, request.gpuMillis);
    }
    return left;
  }
}

/** Without a branch on the outcome, which no processor could foresee. */
function keep(rows: Int32Array, count: number, column: Float64Array, required: number): number {
  let kept = 0;
  for (let at = 0; at < count; at++) {
    const row = rows[at]!;
    rows[kept] = row;
    if (column[row]! >= required) kept++;
  }
  return kept;
}
