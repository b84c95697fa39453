/**
 * How much of the free GPUs is of no use. For a typical request that a worker can not take, all its free GPUs are
 * fragments; for one that it can, those devices on which the request does not fit. The fragmentation of a worker is
 * the mean over the typical requests, weighted by how often they are made; the fragmentation of the cluster is the sum.
 * Source: Weng et al., Beware of Fragmentation, USENIX ATC 2023, sections 3 and 4.
 */
import { GPU_DEVICE_MILLIS, isOneOf } from '../model/gpu.ts';
import type { GpuTable } from './gpu-table.ts';
import type { TypicalRequest } from './policy.ts';
import type { RoomTable } from './room-table.ts';

/** The most frequent requests that make up this share of all are the typical ones. */
const TYPICAL_PERCENT = 95;

/** The GPU part of a typical request. Many that differ in CPU share it. */
interface Shape {
  /** Of each device, in thousandths; 0: no GPU. */
  readonly millis: number;
  readonly devices: number;
  readonly models: readonly string[];
}

export class Fragmentation {
  readonly #table: RoomTable;
  readonly #gpus: GpuTable;
  readonly #shapes: readonly Shape[];
  /** Per shape and model: 1 if a device of the model will do. */
  readonly #permits: Uint8Array;
  // The typical requests as columns: the place of the shape, CPU, share of all.
  readonly #shape: Int32Array;
  readonly #cpu: Float64Array;
  readonly #frequency: Float64Array;
  /** Of each row as it stands; NaN: not known. */
  readonly #of: Float64Array;
  /** A worker's devices while something is tried. */
  readonly #free: Float64Array;
  /** Per shape what of the free devices it can use, or -1 if the worker has too few of them. */
  readonly #usable: Float64Array;
  readonly #hasModel: Uint8Array;

  constructor(table: RoomTable, demand: readonly TypicalRequest[]) {
    const typical = typicalOf(demand);
    this.#table = table;
    this.#gpus = table.gpus;
    const shapes = new Map<string, Shape>();
    const places = typical.map((kind) => placeIn(shapes, kind));
    this.#shapes = [...shapes.values()];
    this.#shape = Int32Array.from(places);
    this.#cpu = Float64Array.from(typical, ({ request }) => request.cpuMillis);
    this.#frequency = Float64Array.from(frequenciesOf(typical, demand));
    const { models } = this.#gpus;
    this.#permits = new Uint8Array(this.#shapes.length * models.length);
    for (const [n, shape] of this.#shapes.entries())
      for (const [m, model] of models.entries())
        this.#permits[n * models.length + m] = isOneOf(shape.models, model) ? 1 : 0;
    this.#of = new Float64Array(table.count).fill(Number.NaN);
    this.#free = new Float64Array(this.#gpus.width);
    this.#usable = new Float64Array(this.#shapes.length);
    this.#hasModel = new Uint8Array(this.#shapes.length);
  }

  /** The row has changed. */
  renew(row: number): void {
    this.#of[row] = Number.NaN;
  }

  /** Thousandths of GPUs that are fragments on the worker as it stands. */
  of(row: number): number {
    const known = this.#of[row]!;
    if (!Number.isNaN(known)) return known;
    this.#copy(row);
    const found = this.#fragments(row, this.#table.freeCpuMillis[row]!);
    this.#of[row] = found;
    return found;
  }

  /** The same with so much CPU left and a share taken of one device. */
  afterShare(row: number, cpu: number, slot: number, millis: number): number {
    this.#copy(row);
    this.#free[slot] = this.#free[slot]! - millis;
    return this.#fragments(row, cpu);
  }

  /** The same with so much CPU left and the first free devices taken. */
  afterWhole(row: number, cpu: number, devices: number, models: readonly string[]): number {
    this.#copy(row);
    let left = devices;
    for (let slot = 0; left > 0 && slot < this.#gpus.count[row]!; slot++) {
      if (this.#free[slot] !== GPU_DEVICE_MILLIS || !this.#gpus.permits(models, row, slot)) continue;
      this.#free[slot] = 0;
      left--;
    }
    return this.#fragments(row, cpu);
  }

  #copy(row: number): void {
    const start = row * this.#gpus.width;
    for (let slot = 0; slot < this.#gpus.count[row]!; slot++) this.#free[slot] = this.#gpus.free[start + slot]!;
  }

  /**
   * Summed by why a typical request does not fit, and those sums in a fixed order: scores are cut to whole numbers, so
   * the order in which these floats are added decides ties, and with another one the published figures do not come out.
   */
  #fragments(row: number, cpu: number): number {
    const devices = this.#gpus.count[row]!;
    let total = 0;
    for (let slot = 0; slot < devices; slot++) total += this.#free[slot]!;
    if (total === 0) return 0;
    this.#fit(row, devices);
    let lacksBoth = 0;
    let lacksGpu = 0;
    let lacksCpu = 0;
    let withoutGpu = 0;
    let withoutGpuLacksCpu = 0;
    let noAccess = 0;
    for (let n = 0; n < this.#shape.length; n++) {
      const shape = this.#shape[n]!;
      const frequency = this.#frequency[n]!;
      const hasCpu = cpu >= this.#cpu[n]!;
      if (this.#shapes[shape]!.millis === 0) {
        if (hasCpu) withoutGpu += frequency * total;
        else withoutGpuLacksCpu += frequency * total;
        continue;
      }
      const usable = this.#usable[shape]!;
      if (this.#hasModel[shape] === 0) noAccess += frequency * total;
      else if (usable < 0) {
        if (hasCpu) lacksGpu += frequency * total;
        else lacksBoth += frequency * total;
      } else if (hasCpu) lacksGpu += frequency * (total - usable);
      else lacksCpu += frequency * total;
    }
    return lacksBoth + lacksGpu + lacksCpu + withoutGpu + withoutGpuLacksCpu + noAccess;
  }

  /** What each shape can use of the devices being tried. */
  #fit(row: number, devices: number): void {
    const { models, model, width } = this.#gpus;
    const start = row * width;
    for (let n = 0; n < this.#shapes.length; n++) {
      const { millis, devices: wanted } = this.#shapes[n]!;
      if (millis === 0) continue;
      let able = 0;
      let usable = 0;
      let known = 0;
      for (let slot = 0; slot < devices; slot++) {
        if (this.#permits[n * models.length + model[start + slot]!] === 0) continue;
        known = 1;
        if (this.#free[slot]! < millis) continue;
        able++;
        usable += this.#free[slot]!;
      }
      this.#hasModel[n] = known;
      this.#usable[n] = able >= wanted ? usable : -1;
    }
  }
}

/** Requests alike in CPU and GPU, the most frequent first until they make up most of all. */
function typicalOf(demand: readonly TypicalRequest[]): TypicalRequest[] {
  const merged = new Map<string, { -readonly [K in keyof TypicalRequest]: TypicalRequest[K] }>();
  let total = 0;
  for (const { request, gpuModels, count } of demand) {
    const key = `${request.cpuMillis}/${request.gpuMillis}/${gpuModels.join('|')}`;
    const known = merged.get(key);
    if (known === undefined) merged.set(key, { request, gpuModels, count });
    else known.count += count;
    total += count;
  }
  const sorted = [...merged.values()].sort(compareTypical);
  let sum = 0;
  const kept = sorted.findIndex(({ count }) => {
    sum += count;
    return sum * 100 >= total * TYPICAL_PERCENT;
  });
  return sorted.slice(0, kept + 1);
}

/** Descending by frequency, then by CPU, share of a device, number of devices and models. */
function compareTypical(a: TypicalRequest, b: TypicalRequest): number {
  const [left, right] = [a.request, b.request];
  return (
    b.count - a.count ||
    right.cpuMillis - left.cpuMillis ||
    Math.min(right.gpuMillis, GPU_DEVICE_MILLIS) - Math.min(left.gpuMillis, GPU_DEVICE_MILLIS) ||
    right.gpuMillis - left.gpuMillis ||
    (b.gpuModels.join('|') < a.gpuModels.join('|') ? -1 : 1)
  );
}

function placeIn(shapes: Map<string, Shape>, { request, gpuModels }: TypicalRequest): number {
  const key = `${request.gpuMillis}/${gpuModels.join('|')}`;
  const place = [...shapes.keys()].indexOf(key);
  if (place >= 0) return place;
  const millis = Math.min(request.gpuMillis, GPU_DEVICE_MILLIS);
  const devices = Math.max(1, Math.ceil(request.gpuMillis / GPU_DEVICE_MILLIS));
  shapes.set(key, { millis, devices, models: gpuModels });
  return shapes.size - 1;
}

/** The share of each typical request, which add up to 1; worked out in the two steps of the source. */
function frequenciesOf(typical: readonly TypicalRequest[], demand: readonly TypicalRequest[]): number[] {
  const total = demand.reduce((sum, { count }) => sum + count, 0);
  const kept = typical.reduce((sum, { count }) => sum + count, 0);
  if (kept === total) return typical.map(({ count }) => count / total);
  return typical.map(({ count }) => count / total / (kept / total));
}
