import { type PlacementPolicy, placementPolicy } from '@cloudai/engine';
import { mean } from '../figures/figures.ts';
import { sourceCommit } from '../provenance.ts';
import { type Line, lineChart } from '../report/chart.ts';
import { alignedTable, csvField } from '../report/columns.ts';
import { renderPage } from '../report/page.ts';
import type { TraceFolder } from '../traces/folder.ts';
import type { PublishedPacking } from '../traces/published.ts';
import {
  allocationAt,
  fragmentationCurve,
  type PackingPoint,
  type PackingRun,
  PackingTrial,
  packingCurve,
  packingLog,
} from './packing.ts';

export interface PackingSuiteOptions {
  readonly traces: TraceFolder;
  readonly lists: readonly string[];
  readonly policies: readonly (string | PlacementPolicy)[];
  readonly seeds: readonly number[];
  /** Given each run with its decision log, as soon as there is one. */
  readonly onRun?: (run: PackingRun, list: string, log: string) => void;
  readonly onProgress?: (what: string, share: number) => void;
}

/** One list and policy, over the seeds. */
export interface PackingResult {
  readonly list: string;
  readonly policy: string;
  /** Percent of the GPUs at 130 % asked for, by seed as given. */
  readonly allocations: readonly number[];
  readonly mean: number;
  /** What its authors published for the same seeds; null if they did not. */
  readonly published: number | null;
  /** Largest difference to the published figure of a seed. */
  readonly furthest: number | null;
}

export interface PackingSuite {
  readonly results: readonly PackingResult[];
  readonly table: string;
  readonly csv: string;
  readonly html: string;
}

/** Our names of the policies that were published, and theirs. */
const PUBLISHED_NAMES: Readonly<Record<string, string>> = {
  random: 'random',
  'dot-product': 'dotprod',
  'gpu-clustering': 'clustering',
  'gpu-packing': 'packing',
  'best-fit': 'bestfit',
  fgd: 'fgd',
};

/** Points that a curve is drawn with. */
const CURVE_POINTS = 300;

export async function packingSuite(options: PackingSuiteOptions): Promise<PackingSuite> {
  const { traces, lists, seeds, onProgress } = options;
  const policies = options.policies.map(known);
  const nodes = traces.openbNodes();
  const published = traces.publishedPacking();
  const results: PackingResult[] = [];
  const curves = new Map<string, Curves>();
  const total = lists.length * policies.length * seeds.length;
  let done = 0;
  for (const list of lists) {
    const trial = new PackingTrial(list, nodes, traces.openbPods(list));
    const arrivals = traces.arrivals(list, trial.pods.length, nodes.length);
    for (const [series, policy] of policies.entries()) {
      const allocations: number[] = [];
      for (const seed of seeds) {
        const arrival = arrivals.find((one) => one.seed === seed);
        if (arrival === undefined)
          throw new RangeError(
            `There is no order of seed ${seed}; there are ${arrivals.map((one) => one.seed).join(', ')}.`,
          );
        onProgress?.(`${list}, ${policy.name}, seed ${seed}`, done++ / total);
        await new Promise(setImmediate);
        const run = trial.run(policy, arrival);
        options.onRun?.(run, list, packingLog(run));
        const curve = packingCurve(run);
        allocations.push(allocationAt(curve, 130));
        if (seed !== seeds[0]) continue;
        const fragments = fragmentationCurve(trial, run);
        const known = curves.get(list) ?? { allocation: [], fragmentation: [] };
        known.allocation.push(lineOf(policy.name, series, curve));
        const points = curve.map(({ asked }, at) => ({ asked, allocated: fragments[at]! }));
        known.fragmentation.push(lineOf(policy.name, series, points));
        curves.set(list, known);
      }
      results.push(resultOf(list, policy.name, seeds, allocations, published));
    }
  }
  return {
    results,
    table: tableOf(results),
    csv: csvOf(results, seeds),
    html: pageOf(results, curves, policies, seeds),
  };
}

function known(policy: string | PlacementPolicy): PlacementPolicy {
  if (typeof policy !== 'string') return policy;
  const found = placementPolicy(policy);
  if (found === null) throw new RangeError(`There is no placement policy ${policy}.`);
  return found;
}

function resultOf(
  list: string,
  policy: string,
  seeds: readonly number[],
  allocations: readonly number[],
  published: readonly PublishedPacking[],
): PackingResult {
  const theirs = seeds.map((seed) =>
    published.find((row) => row.trace === list && row.policy === PUBLISHED_NAMES[policy] && row.seed === seed),
  );
  const complete = theirs.every((row) => row !== undefined);
  return {
    list,
    policy,
    allocations,
    mean: mean(allocations),
    published: complete ? mean(theirs.map((row) => row.allocation130)) : null,
    furthest: complete ? Math.max(...theirs.map((row, at) => Math.abs(row.allocation130 - allocations[at]!))) : null,
  };
}

function tableOf(results: readonly PackingResult[]): string {
  const rows = results.map(({ list, policy, mean: ours, published, furthest }) => [
    list,
    policy,
    ours.toFixed(2),
    published?.toFixed(2) ?? '',
    furthest?.toFixed(3) ?? '',
  ]);
  return alignedTable([['LIST', 'POLICY', 'ALLOCATED %', 'PUBLISHED %', 'FURTHEST SEED'], ...rows]);
}

function csvOf(results: readonly PackingResult[], seeds: readonly number[]): string {
  const lines = results.flatMap(({ list, policy, allocations }) =>
    seeds.map((seed, at) => [list, policy, seed, allocations[at]!].map(csvField).join(',')),
  );
  return `${['list,policy,seed,alloc130', ...lines].join('\n')}\n`;
}

function lineOf(name: string, series: number, curve: readonly PackingPoint[]): Line {
  const step = Math.max(1, Math.floor(curve.length / CURVE_POINTS));
  return {
    name,
    series,
    points: curve.filter((_, at) => at % step === 0).map(({ asked, allocated }) => [asked, allocated]),
  };
}

function pageOf(
  results: readonly PackingResult[],
  curves: ReadonlyMap<string, Curves>,
  policies: readonly PlacementPolicy[],
  seeds: readonly number[],
): string {
  const lists = [...curves.keys()];
  const percent = (value: number) => `${value}`;
  const axes = { xTitle: 'GPUs asked for, % of the cluster', xText: percent, yText: percent };
  const cell = (list: string, policy: string) => results.find((one) => one.list === list && one.policy === policy)!;
  return renderPage({
    title: 'GPU allocation of recorded pod lists',
    facts: [
      [
        'protocol',
        'random arrival, nobody leaves; allocated GPUs in % when 130 % have been asked for, mean of the seeds',
      ],
      ['seeds', seeds.join(', ')],
      ['knowledge', 'policies that use typical requests are told those of the whole list'],
      ['policies', policies.map(({ name, version }) => `${name} ${version}`).join(', ')],
      ['commit', sourceCommit() ?? 'unknown'],
    ],
    series: policies.map(({ name }) => name),
    tables: [
      {
        header: ['List', ...policies.map(({ name }) => name)],
        rows: lists.map((list) => [list, ...policies.map(({ name }) => cell(list, name).mean.toFixed(2))]),
      },
    ],
    charts: lists.flatMap((list) => [
      lineChart({
        title: `${list}: allocation, seed ${seeds[0]}`,
        yTitle: 'GPUs allocated, %',
        ...axes,
        lines: curves.get(list)!.allocation.map((line) => ({ ...line, points: line.points.filter(([x]) => x >= 60) })),
        yFrom: 50,
      }),
      lineChart({
        title: `${list}: fragmentation, seed ${seeds[0]}`,
        yTitle: 'GPUs free and of no use, %',
        ...axes,
        lines: curves.get(list)!.fragmentation,
      }),
    ]),
  });
}

/** Of the first seed, a line for each policy. */
interface Curves {
  readonly allocation: Line[];
  readonly fragmentation: Line[];
}
