import fs from 'node:fs';
import { UNTRAINED_ORDER, UNTRAINED_PLACEMENT } from '@cloudai/engine';
import { mean } from '../figures/figures.ts';
import { sourceCommit } from '../provenance.ts';
import { lineChart } from '../report/chart.ts';
import { renderPage } from '../report/page.ts';
import { TraceError } from '../traces/file.ts';
import { TraceFolder } from '../traces/folder.ts';
import { EvaluatorPool } from './evaluator-pool.ts';
import { beginEvolution, EVOLUTION, type EvolutionState, evolve, samplesOf } from './evolution.ts';
import { orderModelOf, orderVectorOf } from './order-task.ts';
import { modelOf, objectiveOf, vectorOf } from './placement-task.ts';
import type { LearnedModel, Trained } from './task.ts';

export interface TrainOptions {
  readonly what: Trained;
  readonly traces: string | undefined;
  /** Pod lists for a placement, logs of batch machines for an order. */
  readonly lists: readonly string[];
  readonly seed: number;
  /** Ends when so much time has passed or so many generations are done, whichever is first. */
  readonly hours: number;
  readonly generations: number;
  readonly threads: number;
  /** A placement trains on every so many-th node. */
  readonly scale: number;
  /** Kept after every generation; training goes on from there if it exists. */
  readonly stateFile: string;
  readonly onGeneration?: (step: TrainingStep) => void;
  readonly clock: () => number;
  readonly signal?: AbortSignal;
}

/**
 * One generation. Gains of a placement are points of percent over FGD, those of an order the logarithm of how many times
 * smaller the slowdown is than that of the best heuristic.
 */
export interface TrainingStep {
  readonly generation: number;
  /** Of the samples' objectives, on orders of this generation's own. */
  readonly mean: number;
  readonly best: number;
  /** Of the centre, on orders that no generation sees; null where it was not looked at. */
  readonly centre: readonly number[] | null;
}

/** Training goes on only with the same ones. */
export interface TrainingSettings {
  readonly what: Trained;
  readonly lists: readonly string[];
  readonly seed: number;
  readonly scale: number;
}

/** What is saved: where training stands, the settings that it only makes sense with, and the way there. */
export interface TrainingState {
  readonly settings: TrainingSettings;
  readonly evolution: EvolutionState;
  readonly steps: readonly TrainingStep[];
  /** The centre that was best on the orders kept back, and its objective there. */
  readonly best: { readonly vector: readonly number[]; readonly objective: number; readonly generation: number };
}

/** A model with what one has to know to use it: its weights, how they were made, what they are worth. */
export interface TrainedModel {
  readonly model: LearnedModel;
  readonly card: {
    readonly trainedOn: readonly string[];
    readonly seed: number;
    readonly scale: number;
    readonly generations: number;
    readonly commit: string | null;
    readonly command: string;
    /** Per list or log, on orders and sequences that were kept out of training. */
    readonly gains: Readonly<Record<string, number>>;
    readonly knows: string;
  };
}

/** A sequence costs a tenth of a packing, and differs more from others. */
const NUMBERS_PER_GENERATION = { placement: 2, order: 8 };
/** Numbers that judge centres, never used for steps. */
const KEPT_BACK = { placement: numbersFrom(-4, 4), order: numbersFrom(-40, 40) };
const LOOK_EVERY = 5;
const HOUR_MS = 3_600_000;

/** Trains until time or generations are over, or the signal fires, and answers what it has then. */
export async function train(options: TrainOptions): Promise<{ state: TrainingState; trained: TrainedModel }> {
  const folder = TraceFolder.open(options.traces);
  const { what, lists, scale, threads, clock } = options;
  const pool = new EvaluatorPool({ what, traces: folder.path, lists, scale }, threads);
  const until = clock() + options.hours * HOUR_MS;
  try {
    let state = loadState(options) ?? (await firstState(options, pool));
    while (state.evolution.generation < options.generations && clock() < until && options.signal?.aborted !== true) {
      state = await nextState(state, pool);
      saveState(options.stateFile, state);
      options.onGeneration?.(state.steps.at(-1)!);
    }
    return { state, trained: await describe(state, pool) };
  } finally {
    await pool.close();
  }
}

function numbersFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, n) => first + n);
}

async function firstState({ what, lists, seed, scale }: TrainOptions, pool: EvaluatorPool): Promise<TrainingState> {
  const vector = what === 'placement' ? vectorOf(UNTRAINED_PLACEMENT) : orderVectorOf(UNTRAINED_ORDER);
  const [gains] = await pool.evaluate([vector], KEPT_BACK[what]);
  return {
    settings: { what, lists, seed, scale },
    evolution: beginEvolution(seed, vector),
    steps: [],
    best: { vector, objective: objectiveOf(gains!), generation: 0 },
  };
}

async function nextState(state: TrainingState, pool: EvaluatorPool): Promise<TrainingState> {
  const { evolution } = state;
  const samples = samplesOf(evolution, EVOLUTION);
  // The same orders for all samples of a generation: what differs then is the model.
  const count = NUMBERS_PER_GENERATION[state.settings.what];
  const first = state.settings.seed * 1_000_000 + evolution.generation * count;
  const orders = Array.from({ length: count }, (_, n) => first + n);
  const values = (await pool.evaluate(samples, orders)).map(objectiveOf);
  const next = evolve(evolution, samples, values, EVOLUTION);
  const looked = next.generation % LOOK_EVERY === 0;
  const centre = looked ? (await pool.evaluate([next.centre], KEPT_BACK[state.settings.what]))[0]! : null;
  const objective = centre === null ? Number.NEGATIVE_INFINITY : objectiveOf(centre);
  const step = { generation: next.generation, mean: mean(values), best: Math.max(...values), centre };
  return {
    ...state,
    evolution: next,
    steps: [...state.steps, step],
    best:
      objective > state.best.objective ? { vector: next.centre, objective, generation: next.generation } : state.best,
  };
}

const KNOWS_DEMAND =
  'what tasks ask for as a rule (in training: of the whole list, as FGD); no run times, no later arrivals';
const KNOWS_TIMES = 'requested times, or run times where a log has none; no later arrivals';

async function describe({ settings, best }: TrainingState, pool: EvaluatorPool): Promise<TrainedModel> {
  const [gains] = await pool.evaluate([best.vector], KEPT_BACK[settings.what]);
  const { what, lists, seed, scale } = settings;
  const rounded = best.vector.map((weight) => Number(weight.toFixed(6)));
  const [set, knows] = what === 'placement' ? ['openb', KNOWS_DEMAND] : ['swf', KNOWS_TIMES];
  return {
    model: what === 'placement' ? modelOf(rounded, 1) : orderModelOf(rounded, 1),
    card: {
      trainedOn: lists.map((list) => `${set} ${list}`),
      seed,
      scale,
      generations: best.generation,
      commit: sourceCommit(),
      command: `cloudai train --what ${what} --traces DIR --lists ${lists.join(',')} --seed ${seed} --scale ${scale} --generations ${best.generation}`,
      gains: Object.fromEntries(lists.map((list, at) => [list, Number(gains![at]!.toFixed(4))])),
      knows: knows!,
    },
  };
}

function loadState({ stateFile, what, lists, seed, scale }: TrainOptions): TrainingState | null {
  if (!fs.existsSync(stateFile)) return null;
  let state: TrainingState;
  try {
    // What another program wrote there would not have these settings.
    state = JSON.parse(fs.readFileSync(stateFile, 'utf8')) as TrainingState;
  } catch (error) {
    throw new TraceError(`${stateFile} holds no training: ${(error as Error).message}`, { cause: error });
  }
  const wanted = JSON.stringify({ what, lists, seed, scale });
  if (JSON.stringify(state.settings) !== wanted)
    throw new TraceError(
      `${stateFile} is of another training (${JSON.stringify(state.settings)}), this one is ${wanted}: name another file.`,
    );
  return state;
}

/** Through a second file, so that a kill leaves one of the two whole. */
function saveState(file: string, state: TrainingState): void {
  fs.writeFileSync(`${file}.part`, JSON.stringify(state));
  fs.renameSync(`${file}.part`, file);
}

/** Learning curves: what samples and centres gained over FGD. */
export function trainingPage({ settings, steps, best }: TrainingState): string {
  const looked = steps.filter((step) => step.centre !== null);
  const points = (value: (y: number) => string) => ({
    xTitle: 'generation',
    xText: (x: number) => String(Math.round(x)),
    yText: value,
  });
  const signed = (y: number) => y.toFixed(2);
  const lowest = Math.min(0, ...steps.map((step) => step.mean), ...looked.flatMap((step) => step.centre!));
  return renderPage({
    title: `Training of the learned ${settings.what}`,
    facts: [
      ['lists', settings.lists.join(', ')],
      ['seed', String(settings.seed)],
      ['nodes', `every ${settings.scale}th`],
      ['generations', String(steps.length)],
      ['best', `generation ${best.generation}, objective ${best.objective.toFixed(4)}`],
      ['commit', sourceCommit() ?? 'unknown'],
    ],
    series: ['mean of samples', 'best sample', ...settings.lists],
    tables: [],
    charts: [
      lineChart({
        title: 'Objective of the samples',
        yTitle: 'gain',
        yFrom: Math.min(lowest, ...steps.map((step) => step.mean)),
        ...points(signed),
        lines: [
          { name: 'mean of samples', series: 0, points: steps.map((step) => [step.generation, step.mean]) },
          { name: 'best sample', series: 1, points: steps.map((step) => [step.generation, step.best]) },
        ],
      }),
      lineChart({
        title: 'Centre, on orders kept back',
        yTitle: 'gain',
        yFrom: lowest,
        ...points(signed),
        lines: settings.lists.map((list, at) => ({
          name: list,
          series: at + 2,
          points: looked.map((step) => [step.generation, step.centre![at]!]),
        })),
      }),
    ],
  });
}
