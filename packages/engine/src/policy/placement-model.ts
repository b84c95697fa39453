/**
 * Weights of the learned placement policy, as data. Every weight at 0 is FGD itself, so that what was learned can be
 * read off as a difference.
 */
export interface PlacementModel {
  readonly kind: 'placement';
  readonly version: number;
  /** Frequencies of typical requests are multiplied by (their GPUs)^power before fragments are counted. */
  readonly demandPower: number;
  /** Per kind of request, by the name of the feature; those that are left out weigh nothing. */
  readonly weights: Readonly<Record<RequestKind, Partial<Record<PlacementFeature, number>>>>;
}

/** Without a GPU, with a share of one, with whole ones. */
export const REQUEST_KINDS = ['none', 'share', 'whole'] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/**
 * leftCpu, leftGpu  what is free of the worker afterwards, in parts of the largest worker
 * strandedGpu       free GPUs for which no CPU would be left, by what tasks ask for to each GPU
 * spareCpu          CPU beyond what its free GPUs would want
 * hole              what is left of the device that a share goes to
 * unfit             the same, as far as usual shares would not fit into it
 * opens             the share goes to a device that nobody uses yet
 * empty             nothing runs on the worker yet
 * scarce            how much of what asks for the worker's GPU model alone there is to each such GPU
 * gpus              GPUs of the worker, in parts of the largest
 * exact             what FGD cuts off its score
 */
export const PLACEMENT_FEATURES = [
  ...(['leftCpu', 'leftGpu', 'strandedGpu', 'spareCpu', 'hole', 'unfit'] as const),
  ...(['opens', 'empty', 'scarce', 'gpus', 'exact'] as const),
];
export type PlacementFeature = (typeof PLACEMENT_FEATURES)[number];

export const UNTRAINED_PLACEMENT: PlacementModel = {
  kind: 'placement',
  version: 0,
  demandPower: 0,
  weights: { none: {}, share: {}, whole: {} },
};

/** What is wrong with it, as a sentence; null when it is sound. */
export function placementModelProblem(model: PlacementModel): string | null {
  if (model.kind !== 'placement') return `kind is ${String(model.kind)}, not placement`;
  if (!(Number.isSafeInteger(model.version) && model.version >= 0)) return `version is ${model.version}`;
  if (!Number.isFinite(model.demandPower)) return `demandPower is ${model.demandPower}`;
  for (const kind of REQUEST_KINDS) {
    for (const [name, weight] of Object.entries(model.weights[kind] ?? {})) {
      if (!PLACEMENT_FEATURES.some((feature) => feature === name)) return `there is no feature ${name}`;
      if (!Number.isFinite(weight)) return `the weight of ${name} for ${kind} is ${weight}`;
    }
  }
  return null;
}
