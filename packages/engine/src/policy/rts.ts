import { type Ask, type Knowledge, NOTHING_KNOWN, type Scorer, type ScoringPolicy } from './policy.ts';
import type { RoomTable } from './room-table.ts';
import { DEFAULT_RISK, type RiskParameters } from './rts-parameters.ts';
import { expectedSeconds, SLA_MULTIPLIER, typeOf } from './task-type.ts';

/**
 * Risk-aware: the worker with the smallest risk, in seconds of lateness and load,
 *
 *   Ê    = τ · (1 + θ1·CPU/free CPU + θ2·memory/free memory + θ3·GPU/free GPU + θ4·L)
 *   risk = α · max(0, now + Ê − deadline) + β · L − affinity[type][worker] + penalty[worker]
 *
 * τ is what the task is expected to run, or what its type takes as a rule; a task without a deadline is wanted within
 * 2 τ. L is the load of the worker, its resources in parts of what it has, weighted by how many cores, tens of GiB and
 * pairs of GPUs it has. Loads are those of the reservations, 0 to 1. Score = −risk.
 */
export const rts: ScoringPolicy = {
  kind: 'scoring',
  name: 'rts',
  version: 1,
  summary: 'The worker with the smallest risk of missing the deadline, by load, affinity and penalties.',
  source: 'The risk-aware scheduler of earlier editions of CloudAI; parameters as of its genetic training',
  prepare: (table, knowledge = NOTHING_KNOWN) => new Risk(table, knowledge),
};

const GIB = 2 ** 30;

class Risk implements Scorer {
  readonly spreads = false;
  readonly perTask = true;
  readonly ceiling = null;
  readonly #table: RoomTable;
  readonly #now: number;
  readonly #parameters: RiskParameters;

  constructor(table: RoomTable, { now, risk }: Knowledge) {
    this.#table = table;
    this.#now = now;
    this.#parameters = risk ?? DEFAULT_RISK;
  }

  score(ask: Ask, rows: Int32Array, count: number, scores: Float64Array): void {
    for (let at = 0; at < count; at++) {
      const { lateness, load, affinity, penalty } = this.#riskOf(ask, rows[at]!);
      scores[at] = -(lateness + load - affinity + penalty);
    }
  }

  parts(ask: Ask, row: number): Readonly<Record<string, number>> {
    return this.#riskOf(ask, row);
  }

  #riskOf(
    ask: Ask,
    row: number,
  ): { expected: number; lateness: number; load: number; affinity: number; penalty: number } {
    const { theta, alpha, beta, affinity, penalty } = this.#parameters;
    const { request } = ask;
    const type = typeOf(request, ask.task?.type ?? '');
    const tau = expectedSeconds(type, ask.task?.expectedMs ?? null);
    const table = this.#table;
    const load = loadOf(table, row);
    const slower =
      1 +
      theta[0] * ratio(request.cpuMillis, table.freeCpuMillis[row]!) +
      theta[1] * ratio(request.memoryBytes, table.freeMemoryBytes[row]!) +
      theta[2] * ratio(request.gpuMillis, table.freeGpuMillis[row]!) +
      theta[3] * load;
    const expected = slower < 0 ? tau : tau * slower;
    const deadlineAt = ask.task?.deadlineAt ?? this.#now + SLA_MULTIPLIER * tau * 1000;
    const late = Math.max(0, this.#now / 1000 + expected - deadlineAt / 1000);
    const worker = table.workerIds[row] ?? '';
    return {
      expected,
      lateness: alpha * late,
      load: beta * load,
      affinity: affinity[type]?.[worker] ?? 0,
      penalty: penalty[worker] ?? 0,
    };
  }
}

/** Asked in parts of what is free: 0 if nothing is asked for, 1 if nothing is free. */
function ratio(asked: number, free: number): number {
  if (asked === 0) return 0;
  return free <= 0 ? 1 : asked / free;
}

/** 0 idle to 1 full, by what is reserved. */
function loadOf(table: RoomTable, row: number): number {
  const cpuWeight = table.cpuMillis[row]! / 1000;
  const memoryWeight = table.memoryBytes[row]! / GIB / 10;
  const gpuWeight = (2 * table.gpuMillis[row]!) / 1000;
  const weight = cpuWeight + memoryWeight + gpuWeight;
  if (weight === 0) return 0;
  const used =
    cpuWeight * usedPart(table.cpuMillis[row]!, table.freeCpuMillis[row]!) +
    memoryWeight * usedPart(table.memoryBytes[row]!, table.freeMemoryBytes[row]!) +
    gpuWeight * usedPart(table.gpuMillis[row]!, table.freeGpuMillis[row]!);
  return used / weight;
}

function usedPart(total: number, free: number): number {
  return total === 0 ? 0 : (total - free) / total;
}
