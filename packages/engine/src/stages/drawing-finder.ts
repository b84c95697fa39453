import { GPU_DEVICE_MILLIS } from '../model/gpu.ts';
import type { DrawingPolicy } from '../policy/policy.ts';
import { Draws } from '../policy/random.ts';
import { CandidateLists } from './candidates.ts';
import type { Finder } from './finder.ts';
import type { WaitingClass } from './queue.ts';
import type { QueueEntry } from './queue-order.ts';
import type { ScratchCluster } from './scratch-cluster.ts';

/** Blind draws before the workers with room are listed: on a cluster that is not nearly full one hits soon. */
const BLIND_DRAWS = 32;

/** Any worker with room, each as likely as the others. */
export class DrawingFinder implements Finder {
  readonly #name: string;
  readonly #cluster: ScratchCluster;
  readonly #candidates: CandidateLists;
  readonly #draws: Draws;
  readonly #rows: Int32Array;
  readonly cursor = null;

  constructor(policy: DrawingPolicy, cluster: ScratchCluster, seed: number) {
    this.#name = `${policy.name}/${policy.version}`;
    this.#cluster = cluster;
    this.#candidates = new CandidateLists(cluster.workers);
    this.#draws = new Draws(seed);
    this.#rows = new Int32Array(cluster.count);
  }

  find(group: WaitingClass): number {
    const row = this.#draw(group, this.#candidates.of(group));
    return row < 0 ? this.#draw(group, this.#candidates.again(group)) : row;
  }

  device(group: WaitingClass, _entry: QueueEntry, row: number): number {
    const { gpuMillis } = group.request;
    if (gpuMillis === 0 || gpuMillis >= GPU_DEVICE_MILLIS) return -1;
    const { gpus } = this.#cluster.table;
    const start = row * gpus.width;
    let chosen = -1;
    let seen = 0;
    for (let slot = 0; slot < gpus.count[row]!; slot++) {
      if (gpus.free[start + slot]! < gpuMillis || !gpus.permits(group.gpuModels, row, slot)) continue;
      seen++;
      if (this.#draws.below(seen) === 0) chosen = slot;
    }
    return chosen;
  }

  placed(): void {}

  describe(): string {
    return this.#name;
  }

  #draw(group: WaitingClass, candidates: Int32Array): number {
    if (candidates.length === 0) return -1;
    for (let n = 0; n < BLIND_DRAWS; n++) {
      const row = candidates[this.#draws.below(candidates.length)]!;
      if (this.#cluster.fits(row, group)) return row;
    }
    this.#rows.set(candidates);
    const count = this.#cluster.keepFitting(group, this.#rows, candidates.length);
    return count === 0 ? -1 : this.#rows[this.#draws.below(count)]!;
  }
}
