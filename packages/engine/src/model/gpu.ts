/**
 * GPUs are handed out by device. A request below one device (1..999 thousandths) lives on a single device, possibly
 * beside others; a request of whole devices takes devices that nobody else uses. Anything else would have to be cut
 * over devices, which no container runtime can do.
 */
import { formatGpu } from './quantity.ts';
import type { GpuShare } from './resources.ts';
import type { WorkerCapacity } from './worker.ts';

export const GPU_DEVICE_MILLIS = 1000;

const NO_SHARES: readonly GpuShare[] = Object.freeze([]);

/** What is wrong with a request for this many thousandths of a GPU, as a sentence; null when it can be served. */
export function gpuProblem(millis: number): string | null {
  if (Number.isSafeInteger(millis) && millis >= 0) {
    if (millis < GPU_DEVICE_MILLIS || millis % GPU_DEVICE_MILLIS === 0) return null;
    const below = Math.floor(millis / GPU_DEVICE_MILLIS);
    return `GPU request ${formatGpu(millis)} can not be served: ask for a share below 1 or for whole devices, such as ${below} or ${below + 1}`;
  }
  return `GPU request ${millis} is not a count of thousandths: ask for 0 or more, as a whole number`;
}

/** The devices of one worker and what is left on each. */
export class GpuDevices {
  /** Device numbers, ascending, and beside them each device's size and what is free of it, in thousandths. */
  readonly #index: number[];
  readonly #size: number[];
  readonly #free: number[];
  #wholeFree = 0;
  #largestFree = 0;

  private constructor(index: number[], size: number[], free: number[]) {
    this.#index = index;
    this.#size = size;
    this.#free = free;
    this.#summarise();
  }

  static of(capacity: WorkerCapacity): GpuDevices {
    const listed = capacity.gpus.map((gpu) => gpu.index).sort((a, b) => a - b);
    if (listed.length > 0) {
      const sizes = listed.map(() => GPU_DEVICE_MILLIS);
      return new GpuDevices(listed, sizes, sizes.slice());
    }
    // Without a device list (simulated workers) the total is cut into devices.
    const sizes: number[] = [];
    for (let left = capacity.resources.gpuMillis; left > 0; left -= GPU_DEVICE_MILLIS)
      sizes.push(Math.min(left, GPU_DEVICE_MILLIS));
    return new GpuDevices([...sizes.keys()], sizes, sizes.slice());
  }

  clone(): GpuDevices {
    return new GpuDevices(this.#index.slice(), this.#size.slice(), this.#free.slice());
  }

  get count(): number {
    return this.#index.length;
  }

  /** Devices that nobody uses. */
  get wholeFree(): number {
    return this.#wholeFree;
  }

  /** Most that is free on one device, in thousandths. */
  get largestFree(): number {
    return this.#largestFree;
  }

  /** More is held of a device than it has: it vanished while in use. */
  get overcommitted(): boolean {
    return this.#free.some((free) => free < 0);
  }

  fits(millis: number): boolean {
    if (millis <= 0) return true;
    if (millis < GPU_DEVICE_MILLIS) return millis <= this.#largestFree;
    return millis % GPU_DEVICE_MILLIS === 0 && millis / GPU_DEVICE_MILLIS <= this.#wholeFree;
  }

  /** Best fit for a share (the fullest device that still has room), lowest numbers first. Throws if it does not fit. */
  take(millis: number): readonly GpuShare[] {
    if (millis === 0) return NO_SHARES;
    if (!this.fits(millis)) throw new Error(`no GPU device has room for ${millis} thousandths`);
    const shares = millis < GPU_DEVICE_MILLIS ? [this.#bestFit(millis)] : this.#wholeOnes(millis / GPU_DEVICE_MILLIS);
    this.hold(shares);
    return shares;
  }

  /**
   * Records shares that are held already, even on a device that has vanished or is full: a live attempt holds what
   * it holds, and the device takes nothing new until it is free again.
   */
  hold(shares: readonly GpuShare[]): void {
    for (const share of shares) {
      const slot = this.#slotOf(share.index);
      this.#free[slot] = this.#free[slot]! - share.millis;
    }
    this.#summarise();
  }

  /** Throws, and changes nothing, when more would come back than is held. */
  giveBack(shares: readonly GpuShare[]): void {
    const free = this.#free.slice();
    for (const share of shares) {
      const slot = this.#index.indexOf(share.index);
      if (slot < 0 || free[slot]! + share.millis > this.#size[slot]!)
        throw new Error(`GPU ${share.index} would give back ${share.millis} thousandths more than is held of it`);
      free[slot] = free[slot]! + share.millis;
    }
    for (let slot = 0; slot < free.length; slot++) this.#free[slot] = free[slot]!;
    this.#summarise();
  }

  #bestFit(millis: number): GpuShare {
    let best = -1;
    for (let slot = 0; slot < this.#free.length; slot++) {
      const free = this.#free[slot]!;
      if (free >= millis && (best < 0 || free < this.#free[best]!)) best = slot;
    }
    return { index: this.#index[best]!, millis };
  }

  #wholeOnes(count: number): GpuShare[] {
    const shares: GpuShare[] = [];
    for (let slot = 0; shares.length < count; slot++) {
      if (this.#free[slot] === GPU_DEVICE_MILLIS) shares.push({ index: this.#index[slot]!, millis: GPU_DEVICE_MILLIS });
    }
    return shares;
  }

  /** A device that is held but not listed any more gets a slot of size 0. */
  #slotOf(index: number): number {
    const slot = this.#index.indexOf(index);
    if (slot >= 0) return slot;
    this.#size.push(0);
    this.#free.push(0);
    return this.#index.push(index) - 1;
  }

  #summarise(): void {
    this.#wholeFree = 0;
    this.#largestFree = 0;
    for (const free of this.#free) {
      if (free === GPU_DEVICE_MILLIS) this.#wholeFree++;
      if (free > this.#largestFree) this.#largestFree = free;
    }
  }
}
