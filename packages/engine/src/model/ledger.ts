/**
 * What one worker has and what is held of it. Free is always capacity − what live attempts hold, in integers:
 * nothing but `reserve` and `release` moves it, in particular no heartbeat.
 */
import { ANY_MODEL, GpuDevices } from './gpu.ts';
import { amountOf, countOf, type GpuShare, namesOf, type ResourceName, type Resources, subtract } from './resources.ts';
import type { WorkerCapacity } from './worker.ts';

export class Ledger {
  readonly capacity: WorkerCapacity;
  // Free amounts as plain numbers: `fits` runs millions of times in a schedule pass and must allocate nothing.
  #cpu: number;
  #memory: number;
  #storage: number;
  #gpu: number;
  readonly #custom: Map<string, number>;
  readonly #devices: GpuDevices;

  constructor(capacity: WorkerCapacity, state?: Ledger) {
    const total = capacity.resources;
    this.capacity = capacity;
    this.#cpu = state ? state.#cpu : total.cpuMillis;
    this.#memory = state ? state.#memory : total.memoryBytes;
    this.#storage = state ? state.#storage : total.storageBytes;
    this.#gpu = state ? state.#gpu : total.gpuMillis;
    this.#custom = new Map(state ? state.#custom : Object.entries(total.custom));
    this.#devices = state ? state.#devices.clone() : GpuDevices.of(capacity);
  }

  clone(): Ledger {
    return new Ledger(this.capacity, this);
  }

  /** What live attempts hold together. */
  get allocated(): Resources {
    return subtract(this.capacity.resources, this.available());
  }

  /**
   * Capacity − allocated. Negative where the worker came back smaller than what its live attempts hold; nothing is
   * placed there until they have ended.
   */
  available(): Resources {
    return {
      cpuMillis: this.#cpu,
      memoryBytes: this.#memory,
      storageBytes: this.#storage,
      gpuMillis: this.#gpu,
      custom: Object.fromEntries(this.#custom),
    };
  }

  get freeCpuMillis(): number {
    return this.#cpu;
  }
  get freeMemoryBytes(): number {
    return this.#memory;
  }
  get freeStorageBytes(): number {
    return this.#storage;
  }
  get freeGpuMillis(): number {
    return this.#gpu;
  }
  freeCount(name: string): number {
    return this.#custom.get(name) ?? 0;
  }
  /** Most that is free on one GPU, in thousandths. */
  get largestFreeGpuMillis(): number {
    return this.#devices.largestFree;
  }
  /** GPUs that nobody uses. */
  get wholeFreeGpus(): number {
    return this.#devices.wholeFree;
  }
  get gpuCount(): number {
    return this.#devices.count;
  }

  /** What is free of the device at this place of the list, its model, and which kinds of GPU requests live here. */
  freeGpuMillisOf(slot: number): number {
    return this.#devices.freeOf(slot);
  }
  gpuModelOf(slot: number): string {
    return this.#devices.modelOf(slot);
  }
  get gpuKinds(): number {
    return this.#devices.kinds;
  }

  /** `gpuModels`: those that will do; none named: any. */
  fits(request: Resources, gpuModels: readonly string[] = ANY_MODEL): boolean {
    return this.firstLacking(request, gpuModels) === null;
  }

  /**
   * The first thing that is short, in the order of a refusal: CPU, memory, storage, GPU (in sum, or `gpu_fragmented`:
   * enough in sum but not on one device), then custom resources by name. Allocates nothing.
   */
  firstLacking(request: Resources, gpuModels: readonly string[] = ANY_MODEL): ResourceName | 'gpu_fragmented' | null {
    if (request.cpuMillis > this.#cpu && request.cpuMillis > 0) return 'cpu';
    if (request.memoryBytes > this.#memory && request.memoryBytes > 0) return 'memory';
    if (request.storageBytes > this.#storage && request.storageBytes > 0) return 'storage';
    if (request.gpuMillis > 0) {
      if (request.gpuMillis > this.#gpu) return 'gpu';
      if (!this.#devices.fits(request.gpuMillis, gpuModels)) return 'gpu_fragmented';
    }
    let first: ResourceName | null = null;
    for (const name in request.custom) {
      const required = countOf(request.custom, name);
      if (required > 0 && required > this.freeCount(name) && (first === null || name < first)) first = name;
    }
    return first;
  }

  /**
   * Takes the request and says on which GPUs; for a share of one, `slot` may name the device by its place in the list.
   * Throws if it does not fit: the caller had to ask `fits`.
   */
  reserve(request: Resources, gpuModels: readonly string[] = ANY_MODEL, slot = -1): readonly GpuShare[] {
    const lacking = this.firstLacking(request, gpuModels);
    if (lacking !== null) throw new Error(`reservation of more than is free: ${lacking}`);
    const shares = this.#devices.take(request.gpuMillis, gpuModels, slot);
    this.#move(request, -1);
    return shares;
  }

  /** Whether these shares of GPUs are free now. */
  hasFree(shares: readonly GpuShare[]): boolean {
    return this.#devices.areFree(shares);
  }

  /**
   * Records what a live attempt holds already, as after a restart or when a worker came back with another capacity.
   * It never refuses for lack of room, as the resources are in use whatever the ledger thinks.
   */
  reserveShares(request: Resources, shares: readonly GpuShare[]): void {
    checkShares(request, shares);
    this.#devices.hold(shares);
    this.#move(request, -1);
  }

  /** Gives back what an attempt held. Throws, and changes nothing, if that is more than is held: a double release. */
  release(request: Resources, shares: readonly GpuShare[]): void {
    checkShares(request, shares);
    const left = subtract(this.allocated, request);
    for (const name of namesOf(request)) {
      if (amountOf(left, name) < 0)
        throw new Error(
          `release of ${amountOf(request, name)} ${name}, but only ${amountOf(this.allocated, name)} is held`,
        );
    }
    this.#devices.giveBack(shares);
    this.#move(request, 1);
  }

  /** Whether live attempts hold more than the worker has, which only a shrunken worker can cause. */
  get overcommitted(): boolean {
    if (this.#cpu < 0 || this.#memory < 0 || this.#storage < 0 || this.#gpu < 0) return true;
    for (const free of this.#custom.values()) if (free < 0) return true;
    return this.#devices.overcommitted;
  }

  #move(request: Resources, sign: 1 | -1): void {
    this.#cpu += sign * request.cpuMillis;
    this.#memory += sign * request.memoryBytes;
    this.#storage += sign * request.storageBytes;
    this.#gpu += sign * request.gpuMillis;
    if (request.gpuMillis > 0) this.#devices.note(request.gpuMillis, sign === -1 ? 1 : -1);
    for (const name in request.custom)
      this.#custom.set(name, (this.#custom.get(name) ?? 0) + sign * countOf(request.custom, name));
  }
}

function checkShares(request: Resources, shares: readonly GpuShare[]): void {
  let sum = 0;
  for (const share of shares) sum += share.millis;
  if (sum !== request.gpuMillis)
    throw new Error(`GPU shares add up to ${sum} thousandths, the reservation is for ${request.gpuMillis}`);
}
