import fs from 'node:fs';
import { type PlacementModel, UNTRAINED_PLACEMENT } from '@cloudai/engine';
import { mean } from '../figures/figures.ts';
import { sourceCommit } from '../provenance.ts';
import { lineChart } from '../report/chart.ts';
import { renderPage } from '../report/page.ts';
import { TraceError } from '../traces/file.ts';
import { TraceFolder } from '../traces/folder.ts';
import { EvaluatorPool } from './evaluator-pool.ts';
import { beginEvolution, EVOLUTION, type EvolutionState, evolve, samplesOf } from './evolution.ts';
import { modelOf, objectiveOf, vectorOf } from './placement-task.ts';

export interface TrainOptions {
  readonly traces: string | undefined;
  readonly lists: readonly string[];
  readonly seed: number;
  /** Ends when so much time has passed or so many generations are done, whichever is first. */
  readonly hours: number;
  readonly generations: number;
  readonly threads: number;
  /** Trains on every so many-th node. */
  readonly scale: number;
  /** Kept after every generation; training goes on from there if it exists. */
  readonly stateFile: string;
  readonly onGeneration?: (step: TrainingStep) => void;
  readonly clock: () => number;
  readonly signal?: AbortSignal;
}

/** One generation; gains in points of percent over FGD. */
export interface TrainingStep {
  readonly generation: number;
  /** Of the samples' objectives, on orders of this generation's own. */
  readonly mean: number;
  readonly best: number;
  /** Of the centre, on orders that no generation sees; null where it was not looked at. */
  readonly centre: readonly number[] | null;
}

/** What is saved: where training stands, the settings that it only makes sense with, and the way there. */
export interface TrainingState {
  readonly settings: { readonly lists: readonly string[]; readonly seed: number; readonly scale: number };
  readonly evolution: EvolutionState;
  readonly steps: readonly TrainingStep[];
  /** The centre that was best on the orders kept back, and its objective there. */
  readonly best: { readonly vector: readonly number[]; readonly objective: number; readonly generation: number };
}

/** A model with what one has to know to use it: its weights, how they were made, what they are worth. */
export interface TrainedModel {
  readonly model: PlacementModel;
  readonly card: {
    readonly trainedOn: readonly string[];
    readonly seed: number;
    readonly scale: number;
    readonly generations: number;
    readonly commit: string | null;
    readonly command: string;
    /** Points of percent over FGD per list, on orders kept out of training, on the part of the cluster trained on. */
    readonly gains: Readonly<Record<string, number>>;
    readonly knows: string;
  };
}

const ORDERS_PER_GENERATION = 2;
/** Orders that judge centres, never used for steps. */
const KEPT_BACK = [900_001, 900_002, 900_003, 900_004];
const LOOK_EVERY = 5;
const HOUR_MS = 3_600_000;

/** Trains until time or generations are over, or the signal fires, and answers what it has then. */
export async function train(options: TrainOptions): Promise<{ state: TrainingState; trained: TrainedModel }> {
  const folder = TraceFolder.open(options.traces);
  const { lists, scale, threads, clock } = options;
  const pool = new EvaluatorPool({ traces: folder.path, lists, scale }, threads);
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

async function firstState({ lists, seed, scale }: TrainOptions, pool: EvaluatorPool): Promise<TrainingState> {
  const vector = vectorOf(UNTRAINED_PLACEMENT);
  const [gains] = await pool.evaluate([vector], KEPT_BACK);
  return {
    settings: { lists, seed, scale },
    evolution: beginEvolution(seed, vector),
    steps: [],
    best: { vector, objective: objectiveOf(gains!), generation: 0 },
  };
}

async function nextState(state: TrainingState, pool: EvaluatorPool): Promise<TrainingState> {
  const { evolution } = state;
  const samples = samplesOf(evolution, EVOLUTION);
  // The same orders for all samples of a generation: what differs then is the model.
  const first = state.settings.seed * 1_000 + evolution.generation * ORDERS_PER_GENERATION;
  const orders = Array.from({ length: ORDERS_PER_GENERATION }, (_, n) => first + n);
  const values = (await pool.evaluate(samples, orders)).map(objectiveOf);
  const next = evolve(evolution, samples, values, EVOLUTION);
  const looked = next.generation % LOOK_EVERY === 0;
  const centre = looked ? (await pool.evaluate([next.centre], KEPT_BACK))[0]! : null;
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

async function describe({ settings, best }: TrainingState, pool: EvaluatorPool): Promise<TrainedModel> {
  const [gains] = await pool.evaluate([best.vector], KEPT_BACK);
  const { lists, seed, scale } = settings;
  return {
    model: modelOf(
      best.vector.map((weight) => Number(weight.toFixed(6))),
      1,
    ),
    card: {
      trainedOn: lists.map((list) => `openb ${list}`),
      seed,
      scale,
      generations: best.generation,
      commit: sourceCommit(),
      command: `cloudai train --traces DIR --lists ${lists.join(',')} --seed ${seed} --scale ${scale} --generations ${best.generation}`,
      gains: Object.fromEntries(lists.map((list, at) => [list, Number(gains![at]!.toFixed(4))])),
      knows: 'what tasks ask for as a rule (in training: of the whole list, as FGD); no run times, no later arrivals',
    },
  };
}

function loadState({ stateFile, lists, seed, scale }: TrainOptions): TrainingState | null {
  if (!fs.existsSync(stateFile)) return null;
  let state: TrainingState;
  try {
    // What another program wrote there would not have these settings.
    state = JSON.parse(fs.readFileSync(stateFile, 'utf8')) as TrainingState;
  } catch (error) {
    throw new TraceError(`${stateFile} holds no training: ${(error as Error).message}`, { cause: error });
  }
  const wanted = JSON.stringify({ lists, seed, scale });
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
    title: 'Training of the learned placement policy',
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
        yTitle: 'points over FGD',
        yFrom: Math.min(lowest, ...steps.map((step) => step.mean)),
        ...points(signed),
        lines: [
          { name: 'mean of samples', series: 0, points: steps.map((step) => [step.generation, step.mean]) },
          { name: 'best sample', series: 1, points: steps.map((step) => [step.generation, step.best]) },
        ],
      }),
      lineChart({
        title: 'Centre, on orders kept back',
        yTitle: 'points over FGD',
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
