import type { Replay } from '../cluster/record.ts';
import { type Figures, figuresOf, resample, slowdownsByUser, waitOf } from '../figures/figures.ts';
import { barChart, type Line, lineChart } from './chart.ts';
import { durationText, FIGURE_COLUMNS } from './columns.ts';
import { type PageTable, renderPage } from './page.ts';

/** Points of a curve over time: as many as a chart has room for. */
const PARTS = 240;
/** Users shown one by one; of larger crowds those with the most jobs. */
const USERS_SHOWN = 8;

/** The page that sets schedulers side by side. The same replays give the same bytes. */
export function comparisonPage(
  title: string,
  facts: readonly (readonly [string, string])[],
  replays: readonly Replay[],
): string {
  const figures = replays.map(figuresOf);
  const end = figures.reduce((latest, one) => Math.max(latest, one.makespanMs), 1);
  const names = replays.map((replay) => replay.scheduler);
  const over = (value: (sample: Replay['samples'][number], replay: Replay) => number): Line[] =>
    replays.map((replay, series) => ({ name: replay.scheduler, series, points: curve(replay, end, value) }));
  const share = (y: number) => `${Math.round(y * 100)} %`;
  const time = { xTitle: 'time', xText: durationText };
  const charts = [
    bars('Mean wait', 'wait', figures, (one) => one.meanWaitMs, durationText),
    bars(
      'Mean slowdown',
      'slowdown',
      figures,
      (one) => one.meanSlowdown,
      (y) => y.toFixed(1),
    ),
    lineChart({
      title: 'Utilisation',
      yTitle: 'allocated',
      ...time,
      lines: over((s) => s.loadMean),
      yText: share,
      yLeast: 0.1,
    }),
    lineChart({ title: 'Queue', yTitle: 'waiting jobs', ...time, lines: over((s) => s.queued), yText: String }),
    lineChart({
      title: 'Distribution of waits',
      xTitle: 'wait',
      yTitle: 'jobs that waited no longer',
      xLog: true,
      xText: durationText,
      yText: share,
      yLeast: 1,
      lines: replays.map((replay, series) => ({ name: replay.scheduler, series, points: distribution(replay) })),
    }),
    lineChart({
      title: 'Balance',
      yTitle: 'variance of load',
      ...time,
      lines: over((s) => s.loadVariance),
      yText: (y) => y.toFixed(2),
    }),
  ];
  if (replays.some((replay) => replay.capacity.gpuMillis > 0))
    charts.push(
      lineChart({
        title: 'GPU allocation',
        yTitle: 'allocated',
        ...time,
        lines: over((sample, replay) => sample.gpuMillis / Math.max(1, replay.capacity.gpuMillis)),
        yText: share,
        yLeast: 0.1,
      }),
      lineChart({
        title: 'Fragmentation: free GPUs of no use for what is asked for',
        yTitle: 'of all GPUs',
        ...time,
        lines: over((sample) => sample.fragmented),
        yText: share,
        yLeast: 0.1,
      }),
    );
  charts.push(fairness(replays));
  return renderPage({ title, facts, series: names, tables: [figuresTable(figures)], charts });
}

function figuresTable(figures: readonly Figures[]): PageTable {
  const best = FIGURE_COLUMNS.map(({ text, better, key }) => {
    const values = figures.map((one) => Number(one[key]));
    const top = better === 'high' ? Math.max(...values) : Math.min(...values);
    const shown = figures.map(text);
    const rows = [...shown.keys()].filter((row) => shown[row] === shown[values.indexOf(top)]);
    return new Set(better === null || rows.length === figures.length ? [] : rows);
  });
  return {
    header: ['Scheduler', ...FIGURE_COLUMNS.map(({ title }) => title.charAt(0) + title.slice(1).toLowerCase())],
    rows: figures.map((one) => [one.scheduler, ...FIGURE_COLUMNS.map(({ text }) => text(one))]),
    best: [new Set(), ...best],
    what: ['', ...FIGURE_COLUMNS.map(({ what }) => what)],
  };
}

function curve(
  replay: Replay,
  end: number,
  value: (sample: Replay['samples'][number], replay: Replay) => number,
): [number, number][] {
  const parts = resample(replay.samples, 0, end, PARTS, (sample) => value(sample, replay));
  return Array.from(parts, (height, part) => [((part + 0.5) * end) / PARTS, height]);
}

/** Waits of less than a tenth of a second are one. */
function distribution(replay: Replay): [number, number][] {
  const end = replay.jobs.reduce((latest, job) => Math.max(latest, job.endMs ?? 0), 0);
  const waits = replay.jobs.map((job) => Math.max(100, waitOf(job, end))).sort((a, b) => a - b);
  const points: [number, number][] = [];
  const step = Math.max(1, Math.floor(waits.length / PARTS));
  for (let at = 0; at < waits.length; at += step) points.push([waits[at]!, (at + 1) / waits.length]);
  if (waits.length > 0) points.push([waits.at(-1)!, 1]);
  return points;
}

function bars(
  title: string,
  yTitle: string,
  figures: readonly Figures[],
  value: (one: Figures) => number,
  yText: (y: number) => string,
): string {
  const all = figures.map((one, series) => ({ name: one.scheduler, series, value: value(one) }));
  return barChart({ title, yTitle, yText, groups: [{ name: '', bars: all }] });
}

function fairness(replays: readonly Replay[]): string {
  const jobs = new Map<string, number>();
  for (const { user } of replays[0]?.jobs ?? []) jobs.set(user, (jobs.get(user) ?? 0) + 1);
  const shown = [...jobs].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, USERS_SHOWN);
  const slowdowns = replays.map(slowdownsByUser);
  return barChart({
    title: 'Slowdown by user',
    yTitle: 'mean slowdown',
    yText: (y) => y.toFixed(1),
    groups: shown.map(([user, count]) => ({
      name: `${user} (${count})`,
      bars: replays.map(({ scheduler }, series) => ({
        name: scheduler,
        series,
        value: slowdowns[series]!.get(user) ?? 0,
      })),
    })),
  });
}
