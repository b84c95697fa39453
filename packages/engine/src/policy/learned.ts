import { GPU_DEVICE_MILLIS } from '../model/gpu.ts';
import { largest, MOST_SCORE } from './axes.ts';
import { Fragmentation } from './fragmentation.ts';
import {
  PLACEMENT_FEATURES,
  type PlacementFeature,
  type PlacementModel,
  placementModelProblem,
  REQUEST_KINDS,
} from './placement-model.ts';
import {
  type Ask,
  type Knowledge,
  NOTHING_KNOWN,
  type Scorer,
  type ScoringPolicy,
  type TypicalRequest,
} from './policy.ts';
import type { RoomTable } from './room-table.ts';

/**
 * A known heuristic and a learned correction: score = FGD's score, cut to a whole number, + Σ weight · feature. The
 * features are in `placement-model.ts`, the weights are data. Throws when the model is unsound.
 */
export function learnedPlacement(model: PlacementModel): ScoringPolicy {
  const problem = placementModelProblem(model);
  if (problem !== null) throw new RangeError(`The placement model can not be used: ${problem}.`);
  const weights = REQUEST_KINDS.map((kind) =>
    Float64Array.from(PLACEMENT_FEATURES, (feature) => model.weights[kind][feature] ?? 0),
  );
  return {
    kind: 'scoring',
    name: 'learned',
    version: model.version,
    summary: 'FGD with a correction learned on recorded workloads: left-over CPU and GPU, holes, scarce models.',
    source: 'FGD (Weng et al., USENIX ATC 2023) with linear weights found by evolution strategies in the simulator',
    prepare: (table, knowledge = NOTHING_KNOWN) => new Corrected(table, knowledge, weights, model.demandPower),
  };
}

const AT = Object.fromEntries(PLACEMENT_FEATURES.map((feature, index) => [feature, index])) as Record<
  PlacementFeature,
  number
>;

/** What was found for one kind of request, row by row, as long as the row stays as it is. */
interface Found {
  readonly score: Float64Array;
  readonly device: Int8Array;
  /** The row's stamp when it was looked at, + 1; 0: never. */
  readonly stamp: Uint32Array;
}

class Corrected implements Scorer {
  readonly spreads = false;
  readonly ceiling = null;
  readonly #table: RoomTable;
  readonly #fragmentation: Fragmentation;
  readonly #weights: readonly Float64Array[];
  readonly #stamps: Uint32Array;
  readonly #found = new Map<string, Found>();
  readonly #byAsk = new WeakMap<Ask, Found>();
  readonly #features = new Float64Array(PLACEMENT_FEATURES.length);
  readonly #mostCpu: number;
  readonly #mostGpu: number;
  /** Thousandths of CPU that GPU tasks ask for to each GPU. */
  readonly #cpuPerGpu: number;
  /** Of usual shares, those that are larger than so many thousandths. */
  readonly #largerShares: Float64Array;
  readonly #scarcity: Float64Array;

  constructor(table: RoomTable, { demand }: Knowledge, weights: readonly Float64Array[], demandPower: number) {
    this.#table = table;
    this.#weights = weights;
    this.#fragmentation = new Fragmentation(table, weighted(demand, demandPower));
    this.#stamps = new Uint32Array(table.count);
    this.#mostCpu = Math.max(1, largest(table.cpuMillis));
    this.#mostGpu = Math.max(1, largest(table.gpuMillis));
    this.#cpuPerGpu = cpuPerGpu(demand);
    this.#largerShares = largerShares(demand);
    this.#scarcity = scarcityOf(table, demand);
  }

  score(ask: Ask, rows: Int32Array, count: number, scores: Float64Array): void {
    const found = this.#foundFor(ask);
    for (let at = 0; at < count; at++) {
      const row = rows[at]!;
      if (found.stamp[row] !== this.#stamps[row]! + 1) this.#look(ask, row, found);
      scores[at] = found.score[row]!;
    }
  }

  device(ask: Ask, row: number): number {
    const found = this.#foundFor(ask);
    if (found.stamp[row] !== this.#stamps[row]! + 1) this.#look(ask, row, found);
    return found.device[row]!;
  }

  placed(row: number): void {
    this.#stamps[row] = this.#stamps[row]! + 1;
    this.#fragmentation.renew(row);
  }

  parts(ask: Ask, row: number): Readonly<Record<string, number>> {
    const found = this.#foundFor(ask);
    this.#look(ask, row, found);
    const slot = found.device[row]!;
    const base = this.#describe(ask, row, slot);
    const weights = this.#weights[kindOf(ask.request.gpuMillis)]!;
    const parts: Record<string, number> = { fragmentation: base };
    for (const [index, feature] of PLACEMENT_FEATURES.entries())
      if (weights[index] !== 0) parts[feature] = weights[index]! * this.#features[index]!;
    return parts;
  }

  #foundFor(ask: Ask): Found {
    let found = this.#byAsk.get(ask);
    if (found !== undefined) return found;
    const { cpuMillis, gpuMillis } = ask.request;
    const key = `${cpuMillis}/${gpuMillis}/${gpuMillis > 0 ? ask.gpuModels.join('|') : ''}`;
    found = this.#found.get(key);
    if (found === undefined) {
      const { count } = this.#table;
      found = { score: new Float64Array(count), device: new Int8Array(count), stamp: new Uint32Array(count) };
      this.#found.set(key, found);
    }
    this.#byAsk.set(ask, found);
    return found;
  }

  #look(ask: Ask, row: number, found: Found): void {
    found.stamp[row] = this.#stamps[row]! + 1;
    found.device[row] = -1;
    const { gpuMillis } = ask.request;
    if (gpuMillis === 0 || gpuMillis >= GPU_DEVICE_MILLIS) {
      found.score[row] = this.#scoreOn(ask, row, -1);
      return;
    }
    const { gpus } = this.#table;
    const start = row * gpus.width;
    let best = Number.NEGATIVE_INFINITY;
    for (let slot = 0; slot < gpus.count[row]!; slot++) {
      if (gpus.free[start + slot]! < gpuMillis || !gpus.permits(ask.gpuModels, row, slot)) continue;
      if (isSeen(gpus.free, gpus.model, start, slot)) continue;
      const score = this.#scoreOn(ask, row, slot);
      if (score > best) {
        best = score;
        found.device[row] = slot;
      }
    }
    found.score[row] = best;
  }

  #scoreOn(ask: Ask, row: number, slot: number): number {
    let score = this.#describe(ask, row, slot);
    const weights = this.#weights[kindOf(ask.request.gpuMillis)]!;
    // In one order, so that the sum is the same wherever it is made.
    for (let index = 0; index < weights.length; index++) score += weights[index]! * this.#features[index]!;
    return score;
  }

  /** Fills in the features of a placement and answers FGD's score of it. */
  #describe(ask: Ask, row: number, slot: number): number {
    const table = this.#table;
    const features = this.#features;
    const { cpuMillis, gpuMillis } = ask.request;
    const cpu = table.freeCpuMillis[row]! - cpuMillis;
    const gpu = table.freeGpuMillis[row]! - gpuMillis;
    const exact = this.#descent(ask, row, slot, cpu);
    const base = Math.trunc(exact);
    const wanted = (gpu / GPU_DEVICE_MILLIS) * this.#cpuPerGpu;
    const left = slot < 0 ? 0 : table.gpus.free[row * table.gpus.width + slot]! - gpuMillis;
    features[AT.leftCpu] = cpu / this.#mostCpu;
    features[AT.leftGpu] = gpu / this.#mostGpu;
    features[AT.strandedGpu] = wanted > cpu ? (1 - cpu / wanted) * (gpu / this.#mostGpu) : 0;
    features[AT.spareCpu] = cpu > wanted ? (cpu - wanted) / this.#mostCpu : 0;
    features[AT.hole] = left / GPU_DEVICE_MILLIS;
    features[AT.unfit] = (left / GPU_DEVICE_MILLIS) * this.#largerShares[left]!;
    features[AT.opens] = slot >= 0 && left + gpuMillis === GPU_DEVICE_MILLIS ? 1 : 0;
    features[AT.empty] = table.freeCpuMillis[row] === table.cpuMillis[row] ? 1 : 0;
    features[AT.scarce] = ask.gpuModels.length === 0 && gpuMillis > 0 ? this.#scarcity[row]! : 0;
    features[AT.gpus] = table.gpuMillis[row]! / this.#mostGpu;
    features[AT.exact] = exact - base;
    return base;
  }

  #descent(ask: Ask, row: number, slot: number, cpu: number): number {
    const { gpuMillis } = ask.request;
    const before = this.#fragmentation.of(row);
    const after =
      slot >= 0
        ? this.#fragmentation.afterShare(row, cpu, slot, gpuMillis)
        : this.#fragmentation.afterWhole(row, cpu, gpuMillis / GPU_DEVICE_MILLIS, ask.gpuModels);
    return (1 / (1 + Math.exp(-(before - after) / GPU_DEVICE_MILLIS))) * MOST_SCORE;
  }
}

function kindOf(gpuMillis: number): number {
  if (gpuMillis === 0) return 0;
  return gpuMillis < GPU_DEVICE_MILLIS ? 1 : 2;
}

/** An earlier device of the worker is as free: it gives the same score, and would be taken first. */
function isSeen(free: Float64Array, model: Int32Array, start: number, slot: number): boolean {
  for (let earlier = 0; earlier < slot; earlier++)
    if (free[start + earlier] === free[start + slot] && model[start + earlier] === model[start + slot]) return true;
  return false;
}

function weighted(demand: readonly TypicalRequest[], power: number): readonly TypicalRequest[] {
  if (power === 0) return demand;
  return demand.map((kind) => {
    const gpus = kind.request.gpuMillis / GPU_DEVICE_MILLIS;
    return gpus === 0 ? kind : { ...kind, count: kind.count * gpus ** power };
  });
}

function cpuPerGpu(demand: readonly TypicalRequest[]): number {
  let cpu = 0;
  let gpus = 0;
  for (const { request, count } of demand) {
    if (request.gpuMillis === 0) continue;
    cpu += request.cpuMillis * count;
    gpus += (request.gpuMillis / GPU_DEVICE_MILLIS) * count;
  }
  return gpus === 0 ? 0 : cpu / gpus;
}

/** Per thousandth from 0 to a whole device, which part of the usual shares is larger. */
function largerShares(demand: readonly TypicalRequest[]): Float64Array {
  const larger = new Float64Array(GPU_DEVICE_MILLIS + 1);
  let total = 0;
  for (const { request, count } of demand) {
    if (request.gpuMillis === 0 || request.gpuMillis >= GPU_DEVICE_MILLIS) continue;
    total += count;
    for (let left = 0; left < request.gpuMillis; left++) larger[left] = larger[left]! + count;
  }
  return total === 0 ? larger : larger.map((count) => count / total);
}

/** Per row, of its GPU model: what asks for this model alone, to each device of it; at most 1. */
function scarcityOf(table: RoomTable, demand: readonly TypicalRequest[]): Float64Array {
  const scarcity = new Float64Array(table.count);
  const picky = demand.filter(({ gpuModels }) => gpuModels.length > 0);
  if (picky.length === 0) return scarcity;
  const { gpus } = table;
  const total = demand.reduce((sum, { request, count }) => sum + request.gpuMillis * count, 0);
  const supply = new Float64Array(gpus.models.length);
  for (const model of gpus.model) if (model >= 0) supply[model] = supply[model]! + 1;
  const devices = supply.reduce((sum, one) => sum + one, 0);
  const wanted = gpus.models.map((model) =>
    picky.reduce((sum, { request, gpuModels, count }) => {
      return gpuModels.includes(model) ? sum + (request.gpuMillis * count) / gpuModels.length : sum;
    }, 0),
  );
  for (let row = 0; row < table.count; row++) {
    const model = gpus.count[row]! > 0 ? gpus.model[row * gpus.width]! : -1;
    if (model >= 0) scarcity[row] = Math.min(1, wanted[model]! / total / (supply[model]! / devices));
  }
  return scarcity;
}
