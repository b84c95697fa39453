import type { Resources } from '../model/resources.ts';
import { type Ask, type Knowledge, NOTHING_KNOWN, type Scorer, type ScoringPolicy } from './policy.ts';
import type { RoomTable } from './room-table.ts';

/** What the objectives weigh, and what unusable room costs. */
const UTILISATION = 0.45;
const MAKESPAN = 0.25;
const BALANCE = 0.2;
const STARVATION = 0.1;
const FRAGMENTATION = 0.1;

/** Kinds of requests that are looked at for starvation: the most frequent ones. */
const KINDS = 8;

/**
 * Several objectives at once, each from 0 to 1 and taken with the task on the worker:
 *
 *   score = 0.45 · utilisation + 0.25 · makespan + 0.20 · balance + 0.10 · starvation − 0.10 · fragmentation
 *
 * utilisation is the mean use of the worker's resources, makespan 1 − the use of its fullest one (the fullest worker is
 * done last), balance 1 − what the task adds to the square of its mean use (the sum of these squares is smallest where
 * load is even), starvation the share of usual requests that it can still take, fragmentation the difference between
 * the resources of which it has most and least left: room that nobody can use.
 */
export const ai: ScoringPolicy = {
  kind: 'scoring',
  name: 'ai',
  version: 1,
  summary: 'Weighs utilisation, makespan, balance and starvation, and avoids unusable rests.',
  source: 'The multi-objective strategy `ai` of earlier editions of CloudAI, weights 45 : 25 : 20 : 10',
  prepare: (table, knowledge = NOTHING_KNOWN) => new Objectives(table, knowledge),
};

class Objectives implements Scorer {
  readonly spreads = false;
  readonly ceiling = null;
  readonly #table: RoomTable;
  readonly #usual: readonly { readonly request: Resources; readonly share: number }[];

  constructor(table: RoomTable, { demand }: Knowledge) {
    this.#table = table;
    const usual = [...demand].sort((a, b) => b.count - a.count).slice(0, KINDS);
    const total = usual.reduce((count, kind) => count + kind.count, 0);
    this.#usual = usual.map(({ request, count }) => ({ request, share: count / total }));
  }

  score(ask: Ask, rows: Int32Array, count: number, scores: Float64Array): void {
    for (let at = 0; at < count; at++) {
      const { utilisation, makespan, balance, starvation, fragmentation } = this.#partsOf(ask.request, rows[at]!);
      scores[at] = utilisation + makespan + balance + starvation - fragmentation;
    }
  }

  parts(ask: Ask, row: number): Readonly<Record<string, number>> {
    return this.#partsOf(ask.request, row);
  }

  #partsOf(request: Resources, row: number) {
    const { mean, most, least } = useOf(this.#table, row, request);
    const before = useOf(this.#table, row, NOTHING).mean;
    return {
      utilisation: UTILISATION * mean,
      makespan: MAKESPAN * (1 - most),
      balance: BALANCE * (1 - (mean * mean - before * before)),
      starvation: STARVATION * this.#stillTakes(request, row),
      fragmentation: FRAGMENTATION * (most - least),
    };
  }

  #stillTakes(request: Resources, row: number): number {
    if (this.#usual.length === 0) return 1;
    const table = this.#table;
    const cpu = table.freeCpuMillis[row]! - request.cpuMillis;
    const memory = table.freeMemoryBytes[row]! - request.memoryBytes;
    const gpu = table.freeGpuMillis[row]! - request.gpuMillis;
    let share = 0;
    for (const kind of this.#usual) {
      const { cpuMillis, memoryBytes, gpuMillis } = kind.request;
      if (cpuMillis <= cpu && memoryBytes <= memory && gpuMillis <= gpu) share += kind.share;
    }
    return share;
  }
}

const NOTHING: Pick<Resources, 'cpuMillis' | 'memoryBytes' | 'storageBytes' | 'gpuMillis'> = {
  cpuMillis: 0,
  memoryBytes: 0,
  storageBytes: 0,
  gpuMillis: 0,
};

/** How much of the worker's resources is used with this on it: mean, fullest, emptiest. What it lacks does not count. */
export function useOf(
  table: RoomTable,
  row: number,
  asked: typeof NOTHING,
): { mean: number; most: number; least: number } {
  let sum = 0;
  let kinds = 0;
  let most = 0;
  let least = 1;
  const look = (total: number, free: number, wanted: number) => {
    if (total === 0) return;
    const used = (total - free + wanted) / total;
    sum += used;
    kinds++;
    if (used > most) most = used;
    if (used < least) least = used;
  };
  look(table.cpuMillis[row]!, table.freeCpuMillis[row]!, asked.cpuMillis);
  look(table.memoryBytes[row]!, table.freeMemoryBytes[row]!, asked.memoryBytes);
  look(table.storageBytes[row]!, table.freeStorageBytes[row]!, asked.storageBytes);
  look(table.gpuMillis[row]!, table.freeGpuMillis[row]!, asked.gpuMillis);
  return kinds === 0 ? { mean: 0, most: 0, least: 0 } : { mean: sum / kinds, most, least };
}
