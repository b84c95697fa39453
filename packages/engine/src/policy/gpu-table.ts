import type { Ledger } from '../model/ledger.ts';

/** Most GPUs of one worker that policies look at; what is beyond still counts in its sums. */
const MOST_DEVICES = 32;

/** The GPUs of the workers of a pass, device by device, beside the `RoomTable`; most policies never want it. */
export class GpuTable {
  /** Devices that a row has space for. */
  readonly width: number;
  /** What is free of device d of a row, in thousandths, at `row * width + d`; 0 where there is none. */
  readonly free: Float64Array;
  /** The device's model as its place in `models`, at the same places; -1 where there is none. */
  readonly model: Int32Array;
  /** Devices of the row. */
  readonly count: Int32Array;
  /** Which kinds of requests live there: bit 0 for shares, bit n for n whole devices. */
  readonly kinds: Int32Array;
  readonly models: string[] = [];

  constructor(ledgers: readonly Ledger[]) {
    let width = 0;
    for (const ledger of ledgers) width = Math.max(width, ledger.gpuCount);
    this.width = Math.min(width, MOST_DEVICES);
    this.free = new Float64Array(ledgers.length * this.width);
    this.model = new Int32Array(ledgers.length * this.width).fill(-1);
    this.count = new Int32Array(ledgers.length);
    this.kinds = new Int32Array(ledgers.length);
    for (let row = 0; row < ledgers.length; row++) {
      const ledger = ledgers[row]!;
      this.renew(row, ledger);
      for (let slot = 0; slot < this.count[row]!; slot++)
        this.model[row * this.width + slot] = this.#placeOf(ledger.gpuModelOf(slot));
    }
  }

  renew(row: number, ledger: Ledger): void {
    const count = Math.min(ledger.gpuCount, this.width);
    this.count[row] = count;
    this.kinds[row] = ledger.gpuKinds;
    const start = row * this.width;
    // A device that has vanished while in use has less than nothing left.
    for (let slot = 0; slot < count; slot++) this.free[start + slot] = Math.max(0, ledger.freeGpuMillisOf(slot));
  }

  /** Whether the device is of a model that will do. */
  permits(models: readonly string[], row: number, slot: number): boolean {
    return models.length === 0 || models.includes(this.models[this.model[row * this.width + slot]!]!);
  }

  #placeOf(model: string): number {
    const place = this.models.indexOf(model);
    return place >= 0 ? place : this.models.push(model) - 1;
  }
}
