/**
 * The measurements of one attempt over its whole life, however long: at most 240 steps of 5 s, and when they are full
 * two become one, so the steps are 10 s, then 20 s, and so on. It never takes more than 16 KiB.
 */
import type { AttemptUsage } from '../context.ts';
import type { Point } from './buckets.ts';
import { ATTEMPT_FIELDS, rowOf } from './fields.ts';
import { SLOT_MS } from './sample-ring.ts';

const MAX_STEPS = 240;
const WIDTH = ATTEMPT_FIELDS.names.length;
/** Per step: weight, means, highest values. */
const STRIDE = 1 + 2 * WIDTH;
const FIRST_STEPS = 8;

/** Counters as the worker told them last, and what only grows. */
export interface AttemptTotals {
  readonly cpuMicros: number;
  readonly memoryPeakBytes: number;
  readonly storagePeakBytes: number;
  readonly networkRxBytes: number;
  readonly networkTxBytes: number;
  readonly diskReadBytes: number | null;
  readonly diskWriteBytes: number | null;
  readonly gpuSum: number;
  readonly gpuSamples: number;
}

/** As it is stored. */
export interface StoredSeries {
  readonly startMs: number;
  readonly stepMs: number;
  readonly lastAt: number;
  readonly totals: AttemptTotals;
  readonly steps: Uint8Array;
}

const NOTHING: AttemptTotals = {
  cpuMicros: 0,
  memoryPeakBytes: 0,
  storagePeakBytes: 0,
  networkRxBytes: 0,
  networkTxBytes: 0,
  diskReadBytes: null,
  diskWriteBytes: null,
  gpuSum: 0,
  gpuSamples: 0,
};

export class AttemptHistory {
  #startMs = -1;
  #stepMs = SLOT_MS;
  #count = 0;
  #steps = new Float32Array(FIRST_STEPS * STRIDE);
  #lastAt = -1;
  #totals = NOTHING;

  static of(stored: StoredSeries): AttemptHistory {
    const history = new AttemptHistory();
    const values = new Float32Array(new Uint8Array(stored.steps).buffer);
    history.#startMs = stored.startMs;
    history.#stepMs = stored.stepMs;
    history.#count = Math.min(MAX_STEPS, Math.floor(values.length / STRIDE));
    history.#steps = values;
    history.#lastAt = stored.lastAt;
    history.#totals = stored.totals;
    return history;
  }

  get totals(): AttemptTotals {
    return this.#totals;
  }
  get startMs(): number {
    return this.#startMs;
  }
  get lastAt(): number {
    return this.#lastAt;
  }
  get stepMs(): number {
    return this.#stepMs;
  }
  get isEmpty(): boolean {
    return this.#count === 0;
  }
  get bytes(): number {
    return this.#steps.byteLength;
  }

  put(at: number, usage: AttemptUsage): void {
    if (at < this.#lastAt) return;
    const before = this.#lastAt < 0 ? null : { at: this.#lastAt, totals: this.#totals };
    this.#addTotals(usage);
    const rate = (now: number | null, was: number | null | undefined) =>
      before === null || now === null || was == null || now < was || at === before.at
        ? Number.NaN
        : ((now - was) * 1000) / (at - before.at);
    const totals = this.#totals;
    this.#add(
      at,
      rowOf(ATTEMPT_FIELDS, {
        cpuMillis: usage.cpuMillis,
        memoryBytes: usage.memoryBytes,
        storageBytes: usage.storageBytes,
        ...(usage.gpu == null ? {} : { gpu: usage.gpu }),
        networkRxBytesPerSecond: rate(totals.networkRxBytes, before?.totals.networkRxBytes),
        networkTxBytesPerSecond: rate(totals.networkTxBytes, before?.totals.networkTxBytes),
        diskReadBytesPerSecond: rate(totals.diskReadBytes, before?.totals.diskReadBytes),
        diskWriteBytesPerSecond: rate(totals.diskWriteBytes, before?.totals.diskWriteBytes),
      }),
    );
    this.#lastAt = at;
  }

  points(each: (point: Point) => void): void {
    for (let step = 0; step < this.#count; step += 1) {
      const offset = step * STRIDE;
      const weight = this.#steps[offset]!;
      if (weight === 0) continue;
      each({
        at: this.#startMs + step * this.#stepMs,
        holdMs: Math.max(this.#stepMs, HOLD_MS),
        weight,
        mean: this.#steps.subarray(offset + 1, offset + 1 + WIDTH),
        max: this.#steps.subarray(offset + 1 + WIDTH, offset + STRIDE),
      });
    }
  }

  stored(): StoredSeries {
    const steps = new Uint8Array(this.#steps.buffer.slice(0, this.#count * STRIDE * 4));
    return { startMs: this.#startMs, stepMs: this.#stepMs, lastAt: this.#lastAt, totals: this.#totals, steps };
  }

  #addTotals(usage: AttemptUsage): void {
    const was = this.#totals;
    const most = (now: number | null | undefined, then: number | null) =>
      now == null ? then : Math.max(now, then ?? 0);
    this.#totals = {
      cpuMicros: Math.max(usage.cpuMicros, was.cpuMicros),
      memoryPeakBytes: Math.max(usage.memoryPeakBytes, usage.memoryBytes, was.memoryPeakBytes),
      storagePeakBytes: Math.max(usage.storageBytes, was.storagePeakBytes),
      networkRxBytes: Math.max(usage.networkRxBytes, was.networkRxBytes),
      networkTxBytes: Math.max(usage.networkTxBytes, was.networkTxBytes),
      diskReadBytes: most(usage.diskReadBytes, was.diskReadBytes),
      diskWriteBytes: most(usage.diskWriteBytes, was.diskWriteBytes),
      gpuSum: was.gpuSum + (usage.gpu ?? 0),
      gpuSamples: was.gpuSamples + (usage.gpu == null ? 0 : 1),
    };
  }

  #add(at: number, row: readonly number[]): void {
    if (this.#startMs < 0) this.#startMs = Math.floor(at / SLOT_MS) * SLOT_MS;
    let step = Math.floor((at - this.#startMs) / this.#stepMs);
    while (step >= MAX_STEPS) {
      this.#halve();
      step = Math.floor((at - this.#startMs) / this.#stepMs);
    }
    this.#grow(step + 1);
    this.#merge(step * STRIDE, 1, row, row);
  }

  #grow(count: number): void {
    if (count <= this.#count) return;
    this.#count = count;
    if (count * STRIDE <= this.#steps.length) return;
    const larger = new Float32Array(Math.min(MAX_STEPS, Math.max(count, 2 * (this.#steps.length / STRIDE))) * STRIDE);
    larger.set(this.#steps);
    this.#steps = larger;
  }

  #merge(offset: number, weight: number, mean: ArrayLike<number>, max: ArrayLike<number>): void {
    const had = this.#steps[offset]!;
    this.#steps[offset] = had + weight;
    for (let column = 0; column < WIDTH; column += 1) {
      const at = offset + 1 + column;
      const [before, highest] = [this.#steps[at]!, this.#steps[at + WIDTH]!];
      const [value, peak] = [mean[column]!, max[column]!];
      const isFirst = had === 0 || Number.isNaN(before);
      if (isFirst || Number.isNaN(value)) {
        if (isFirst) {
          this.#steps[at] = value;
          this.#steps[at + WIDTH] = peak;
        }
        continue;
      }
      this.#steps[at] = (before * had + value * weight) / (had + weight);
      this.#steps[at + WIDTH] = Math.max(highest, peak);
    }
  }

  #halve(): void {
    const before = this.#steps;
    const count = this.#count;
    this.#stepMs *= 2;
    this.#count = Math.ceil(count / 2);
    this.#steps = new Float32Array(before.length);
    for (let step = 0; step < count; step += 1) {
      const offset = step * STRIDE;
      const weight = before[offset]!;
      if (weight === 0) continue;
      const mean = before.subarray(offset + 1, offset + 1 + WIDTH);
      this.#merge((step >> 1) * STRIDE, weight, mean, before.subarray(offset + 1 + WIDTH, offset + STRIDE));
    }
  }
}

/** A sample speaks for so long when no other follows: two heartbeats and a bit. */
export const HOLD_MS = 12_000;
