import type { Ledger } from '../model/ledger.ts';
import type { GpuShare, Resources } from '../model/resources.ts';
import type { Worker } from '../model/worker.ts';
import { takesWork } from '../policy/feasibility.ts';
import type { Ask, WorkerRoom } from '../policy/policy.ts';
import { RoomTable } from '../policy/room-table.ts';

/**
 * The workers that take work, as a pass sees them: rows in the order of ids. What the pass places is taken from
 * copies; a ledger is copied when something is placed on its worker for the first time.
 */
export class ScratchCluster {
  readonly workers: readonly Worker[];
  /** Per row, +1 with every placement: scores from before are stale. */
  readonly stamps: Uint32Array;
  /** The rows placed on so far, in order. */
  readonly log: number[] = [];
  /** For the task at hand: workers that are out of the question for another reason than room. */
  guard: ((row: number) => boolean) | null = null;
  readonly #ledgers: Ledger[];
  #table: RoomTable | null = null;

  /** `rooms` ascending by id. */
  constructor(rooms: readonly WorkerRoom[]) {
    const taking = rooms.filter((room) => takesWork(room.worker));
    this.workers = taking.map((room) => room.worker);
    this.#ledgers = taking.map((room) => room.ledger);
    this.stamps = new Uint32Array(taking.length);
  }

  /** Made when a policy first wants it. */
  get table(): RoomTable {
    this.#table ??= new RoomTable(
      this.#ledgers,
      this.workers.map((worker) => worker.id),
    );
    return this.#table;
  }

  get count(): number {
    return this.workers.length;
  }

  fits(row: number, { request, gpuModels }: Ask): boolean {
    return this.#ledgers[row]!.fits(request, gpuModels) && (this.guard === null || this.guard(row));
  }

  /** `device`: for a share of one GPU its place in the worker's list, or -1 for the fullest with room. */
  place(row: number, { request, gpuModels }: Ask, device = -1): readonly GpuShare[] {
    if (this.stamps[row] === 0) this.#ledgers[row] = this.#ledgers[row]!.clone();
    const ledger = this.#ledgers[row]!;
    const shares = ledger.reserve(request, gpuModels, device);
    this.#table?.renew(row, ledger);
    this.stamps[row] = this.stamps[row]! + 1;
    this.log.push(row);
    return shares;
  }

  /** Undoes a placement. What finders know of the cluster is wrong from then on. */
  giveBack(row: number, { request }: Ask, shares: readonly GpuShare[]): void {
    const ledger = this.#ledgers[row]!;
    ledger.release(request, shares);
    this.#table?.renew(row, ledger);
    this.stamps[row] = this.stamps[row]! + 1;
    this.log.push(row);
  }

  ledgerOf(row: number): Ledger {
    return this.#ledgers[row]!;
  }

  /** What is left of the worker. */
  freeOn(row: number): Resources {
    return this.#ledgers[row]!.available();
  }

  /** Keeps those of the first `count` rows that fit, in place, and answers how many. */
  keepFitting(ask: Ask, rows: Int32Array, count: number): number {
    const screened = this.table.screen(ask.request, rows, count);
    // Without custom resources and GPU models the screen looks at all there is.
    if (ask.gpuModels.length === 0 && this.guard === null && !hasCustom(ask.request)) return screened;
    let kept = 0;
    for (let at = 0; at < screened; at++) {
      if (this.fits(rows[at]!, ask)) rows[kept++] = rows[at]!;
    }
    return kept;
  }
}

function hasCustom(request: Resources): boolean {
  for (const _name in request.custom) return true;
  return false;
}
