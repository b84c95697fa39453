/** What a placement model is trained on: packing of several pod lists on a part of the cluster, against FGD. */
import {
  learnedPlacement,
  PLACEMENT_FEATURES,
  type PlacementModel,
  placementPolicy,
  REQUEST_KINDS,
} from '@cloudai/engine';
import { mean } from '../figures/figures.ts';
import { PackingTrial, packingCurve } from '../protocols/packing.ts';
import { Random } from '../random.ts';
import type { TraceFolder } from '../traces/folder.ts';
import type { Arrival, OpenbNode, OpenbPod } from '../traces/openb.ts';
import type { TrainingTask } from './task.ts';

/** Asked for, in percent of the GPUs, until which pods arrive. */
const DEMAND_PERCENT = 131;
/** One large request may be more than a percent of a part of the cluster: all points from here on count. */
const JUDGED_FROM = 127;
/** How much the worst list counts beside the mean. */
const WORST_WEIGHT = 0.5;

/** Numbers in a fixed order: the weights by kind and feature, then the power of the demand. */
export function vectorOf(model: PlacementModel): number[] {
  const weights = REQUEST_KINDS.flatMap((kind) => PLACEMENT_FEATURES.map((name) => model.weights[kind][name] ?? 0));
  return [...weights, model.demandPower];
}

export function modelOf(vector: readonly number[], version: number): PlacementModel {
  const width = PLACEMENT_FEATURES.length;
  const of = (kind: number) =>
    Object.fromEntries(PLACEMENT_FEATURES.map((name, at) => [name, vector[kind * width + at]!]));
  const [none, share, whole] = [of(0), of(1), of(2)];
  return { kind: 'placement', version, demandPower: vector[3 * width]!, weights: { none, share, whole } };
}

/** A list on every `scale`-th node, beginning with another one for each order. */
export class PlacementTask implements TrainingTask {
  readonly #nodes: readonly OpenbNode[];
  readonly #lists: ReadonlyMap<string, readonly OpenbPod[]>;
  readonly #scale: number;
  /** FGD's allocation by list and order. */
  readonly #baselines = new Map<string, number>();

  constructor(traces: TraceFolder, lists: readonly string[], scale: number) {
    this.#nodes = traces.openbNodes();
    this.#lists = new Map(lists.map((list) => [list, traces.openbPods(list)]));
    this.#scale = scale;
  }

  /** How much more than FGD it allocates, in points of percent, per list: the mean over the orders. */
  gains(vector: readonly number[], orders: readonly number[]): number[] {
    const policy = learnedPlacement(modelOf(vector, 0));
    return [...this.#lists].map(([list, pods]) =>
      mean(
        orders.map((order) => {
          const { trial, arrival } = this.#trial(list, pods, order);
          const key = `${list}/${order}`;
          let baseline = this.#baselines.get(key);
          if (baseline === undefined) {
            baseline = allocated(trial, placementPolicy('fgd')!, arrival);
            this.#baselines.set(key, baseline);
          }
          return allocated(trial, policy, arrival) - baseline;
        }),
      ),
    );
  }

  #trial(list: string, pods: readonly OpenbPod[], order: number): { trial: PackingTrial; arrival: Arrival } {
    const random = new Random(order);
    const first = random.integer(0, this.#scale - 1);
    const nodes = this.#nodes.filter((_, index) => index % this.#scale === first);
    const trial = new PackingTrial(list, nodes, pods);
    return { trial, arrival: randomArrival(trial, order, random) };
  }
}

/** The list shuffled, again and again, until enough has been asked for. */
export function randomArrival(trial: PackingTrial, seed: number, random: Random): Arrival {
  const wanted = (trial.gpuMillis * DEMAND_PERCENT) / 100;
  const arriving: number[] = [];
  for (let asked = 0; asked < wanted; ) {
    for (const row of random.shuffle([...trial.pods.keys()])) {
      arriving.push(row);
      asked += trial.pods[row]!.gpuMillis;
      if (asked >= wanted) break;
    }
  }
  return { seed, pods: arriving, nodeRanks: random.shuffle([...trial.nodes.keys()]) };
}

function allocated(trial: PackingTrial, policy: Parameters<PackingTrial['run']>[0], arrival: Arrival): number {
  const judged = packingCurve(trial.run(policy, arrival)).filter(({ asked }) => asked >= JUDGED_FROM);
  return mean(judged.map((point) => point.allocated));
}

/** One number for a model: the mean gain, and half of what the worst list loses. */
export function objectiveOf(gains: readonly number[]): number {
  return mean(gains) + WORST_WEIGHT * Math.min(0, ...gains);
}
