import { GPU_DEVICE_MILLIS } from '../model/gpu.ts';
import { MOST_SCORE } from './axes.ts';
import { Fragmentation } from './fragmentation.ts';
import { type Ask, NOTHING_KNOWN, type Scorer, type ScoringPolicy } from './policy.ts';
import type { RoomTable } from './room-table.ts';

/**
 * Fragmentation gradient descent: score = 100 · sigmoid(F − F'), cut to a whole number, where F and F' are the GPUs of
 * the worker that are fragments before and after (see `fragmentation.ts`). For a share every device that has room is
 * tried, and the best one taken. The cut is part of the method: without it ties are rare, first fit no longer does the
 * packing within them, and the cluster takes three points less.
 */
export const fgd: ScoringPolicy = {
  kind: 'scoring',
  name: 'fgd',
  version: 1,
  summary: 'The worker whose free GPUs lose the least use for what tasks ask for as a rule.',
  source:
    'Weng et al., Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent, USENIX ATC 2023 (FGDScore of hkust-adsl/kubernetes-scheduler-simulator)',
  prepare: (table, knowledge = NOTHING_KNOWN) => new Descent(table, new Fragmentation(table, knowledge.demand)),
};

/** What was found for one kind of request, row by row, as long as the row stays as it is. */
interface Found {
  readonly score: Float64Array;
  readonly device: Int8Array;
  /** The row's stamp when it was looked at, + 1; 0: never. */
  readonly stamp: Uint32Array;
}

class Descent implements Scorer {
  readonly spreads = false;
  readonly ceiling = null;
  readonly #table: RoomTable;
  readonly #fragmentation: Fragmentation;
  readonly #stamps: Uint32Array;
  readonly #found = new Map<string, Found>();
  /** One look-up for many rows, as classes keep their request. */
  readonly #byAsk = new WeakMap<Ask, Found>();

  constructor(table: RoomTable, fragmentation: Fragmentation) {
    this.#table = table;
    this.#fragmentation = fragmentation;
    this.#stamps = new Uint32Array(table.count);
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
    return { fragmentation: found.score[row]!, fragmentsBefore: this.#fragmentation.of(row) / GPU_DEVICE_MILLIS };
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
    const { gpus } = this.#table;
    const { cpuMillis, gpuMillis } = ask.request;
    const before = this.#fragmentation.of(row);
    const cpu = this.#table.freeCpuMillis[row]! - cpuMillis;
    if (gpuMillis === 0 || gpuMillis >= GPU_DEVICE_MILLIS) {
      const after = this.#fragmentation.afterWhole(row, cpu, gpuMillis / GPU_DEVICE_MILLIS, ask.gpuModels);
      found.score[row] = scoreOf(before - after);
      return;
    }
    const start = row * gpus.width;
    let best = -1;
    for (let slot = 0; slot < gpus.count[row]!; slot++) {
      const free = gpus.free[start + slot]!;
      if (free < gpuMillis || isSeen(gpus.free, gpus.model, start, slot)) continue;
      if (!gpus.permits(ask.gpuModels, row, slot)) continue;
      const score = scoreOf(before - this.#fragmentation.afterShare(row, cpu, slot, gpuMillis));
      if (score > best) {
        best = score;
        found.device[row] = slot;
      }
    }
    found.score[row] = best;
  }
}

/** An earlier device of the worker is as free: it gives the same score, and would be taken first. */
function isSeen(free: Float64Array, model: Int32Array, start: number, slot: number): boolean {
  for (let earlier = 0; earlier < slot; earlier++)
    if (free[start + earlier] === free[start + slot] && model[start + earlier] === model[start + slot]) return true;
  return false;
}

function scoreOf(gainMillis: number): number {
  return Math.trunc((1 / (1 + Math.exp(-gainMillis / GPU_DEVICE_MILLIS))) * MOST_SCORE);
}
