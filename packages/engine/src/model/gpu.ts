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
/** Any GPU will do. */
export const ANY_MODEL: readonly string[] = Object.freeze([]);
/** The kind of a request for a share of one device; a request for whole devices is of the kind of their number. */
export const SHARE_KIND = 0;

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
  /** The model of each device; copies share the list. */
  #model: readonly string[];
  /** How many requests of each kind live here: shares, one whole device, two, ... */
  readonly #kinds: number[];
  #wholeFree = 0;
  #largestFree = 0;

  private constructor(index: number[], size: number[], free: number[], model: readonly string[], kinds: number[]) {
    this.#index = index;
    this.#size = size;
    this.#free = free;
    this.#model = model;
    this.#kinds = kinds;
    this.#summarise();
  }

  static of(capacity: WorkerCapacity): GpuDevices {
    if (capacity.gpus.length > 0) {
      const listed = [...capacity.gpus].sort((a, b) => a.index - b.index);
      const sizes = listed.map(() => GPU_DEVICE_MILLIS);
      const models = listed.map((gpu) => gpu.model);
      return new GpuDevices(
        listed.map((gpu) => gpu.index),
        sizes,
        sizes.slice(),
        models,
        [],
      );
    }
    // Without a device list (simulated workers) the total is cut into devices.
    const sizes: number[] = [];
    for (let left = capacity.resources.gpuMillis; left > 0; left -= GPU_DEVICE_MILLIS)
      sizes.push(Math.min(left, GPU_DEVICE_MILLIS));
    const models = sizes.map(() => '');
    return new GpuDevices([...sizes.keys()], sizes, sizes.slice(), models, []);
  }

  clone(): GpuDevices {
    return new GpuDevices(
      this.#index.slice(),
      this.#size.slice(),
      this.#free.slice(),
      this.#model,
      this.#kinds.slice(),
    );
  }

  /** What is free of the device at this place of the list, in thousandths. */
  freeOf(slot: number): number {
    return this.#free[slot]!;
  }

  modelOf(slot: number): string {
    return this.#model[slot]!;
  }

  /** Bit n is set if a request for n whole devices lives here, bit 0 if a share does. */
  get kinds(): number {
    let bits = 0;
    for (let kind = 0; kind < this.#kinds.length; kind++) if (this.#kinds[kind]! > 0) bits |= 1 << kind;
    return bits;
  }

  /** A request of so many thousandths came (1) or went (-1). */
  note(millis: number, sign: 1 | -1): void {
    const kind = kindOf(millis);
    while (this.#kinds.length <= kind) this.#kinds.push(0);
    this.#kinds[kind] = this.#kinds[kind]! + sign;
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

  /** `models`: those that will do; none named: any. */
  fits(millis: number, models: readonly string[] = ANY_MODEL): boolean {
    if (millis <= 0) return true;
    if (models.length > 0) return this.#fitsModels(millis, models);
    if (millis < GPU_DEVICE_MILLIS) return millis <= this.#largestFree;
    return millis % GPU_DEVICE_MILLIS === 0 && millis / GPU_DEVICE_MILLIS <= this.#wholeFree;
  }

  /**
   * Best fit for a share (the fullest device that still has room), lowest numbers first, unless a device was chosen by
   * its place in the list. Throws if it does not fit.
   */
  take(millis: number, models: readonly string[] = ANY_MODEL, chosen = -1): readonly GpuShare[] {
    if (millis === 0) return NO_SHARES;
    if (!this.fits(millis, models)) throw new Error(`no GPU device has room for ${millis} thousandths`);
    const shares =
      millis < GPU_DEVICE_MILLIS
        ? [this.#share(millis, models, chosen)]
        : this.#wholeOnes(millis / GPU_DEVICE_MILLIS, models);
    this.hold(shares);
    return shares;
  }

  /** Whether these shares are free now. */
  areFree(shares: readonly GpuShare[]): boolean {
    return shares.every(({ index, millis }) => (this.#free[this.#index.indexOf(index)] ?? 0) >= millis);
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

  #fitsModels(millis: number, models: readonly string[]): boolean {
    const each = Math.min(millis, GPU_DEVICE_MILLIS);
    let left = Math.ceil(millis / GPU_DEVICE_MILLIS);
    for (let slot = 0; slot < this.#free.length && left > 0; slot++)
      if (this.#free[slot]! >= each && models.includes(this.#model[slot]!)) left--;
    return left === 0 && (millis < GPU_DEVICE_MILLIS || millis % GPU_DEVICE_MILLIS === 0);
  }

  #share(millis: number, models: readonly string[], chosen: number): GpuShare {
    let best = -1;
    if (chosen >= 0) {
      if (this.#free[chosen] === undefined || this.#free[chosen] < millis || !isOneOf(models, this.#model[chosen]!))
        throw new Error(`GPU ${this.#index[chosen] ?? chosen} has no room for ${millis} thousandths`);
      best = chosen;
    } else
      for (let slot = 0; slot < this.#free.length; slot++) {
        const free = this.#free[slot]!;
        if (free >= millis && (best < 0 || free < this.#free[best]!) && isOneOf(models, this.#model[slot]!))
          best = slot;
      }
    return { index: this.#index[best]!, millis };
  }

  #wholeOnes(count: number, models: readonly string[]): GpuShare[] {
    const shares: GpuShare[] = [];
    for (let slot = 0; shares.length < count; slot++) {
      if (this.#free[slot] === GPU_DEVICE_MILLIS && isOneOf(models, this.#model[slot]!))
        shares.push({ index: this.#index[slot]!, millis: GPU_DEVICE_MILLIS });
    }
    return shares;
  }

  /** A device that is held but not listed any more gets a slot of size 0. */
  #slotOf(index: number): number {
    const slot = this.#index.indexOf(index);
    if (slot >= 0) return slot;
    this.#size.push(0);
    this.#free.push(0);
    this.#model = [...this.#model, ''];
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

/** Equal for requests that share devices among themselves: 0 for a share, otherwise the number of whole devices. */
export function kindOf(millis: number): number {
  return millis < GPU_DEVICE_MILLIS ? SHARE_KIND : Math.min(MOST_KINDS, Math.ceil(millis / GPU_DEVICE_MILLIS));
}

/** What is beyond shares a kind; no machine has so many GPUs. */
const MOST_KINDS = 30;

export function isOneOf(models: readonly string[], model: string): boolean {
  return models.length === 0 || models.includes(model);
}
