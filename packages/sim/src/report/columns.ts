import type { Figures } from '../figures/figures.ts';

/** A figure as tables show it. */
export interface FigureColumn {
  readonly key: keyof Figures;
  readonly title: string;
  readonly what: string;
  /** In a table for people. */
  readonly text: (figures: Figures) => string;
  /** Which end is good; null where neither is. */
  readonly better: 'low' | 'high' | null;
}

const seconds = (key: NumberKey, title: string, what: string): FigureColumn => ({
  key,
  title,
  what,
  text: (figures) => durationText(figures[key]),
  better: 'low',
});

const plain = (
  key: NumberKey,
  title: string,
  what: string,
  digits: number,
  better: FigureColumn['better'],
): FigureColumn => ({ key, title, what, text: (figures) => figures[key].toFixed(digits), better });

type NumberKey = { [K in keyof Figures]: Figures[K] extends number ? K : never }[keyof Figures];

const percent = (key: NumberKey, title: string, what: string): FigureColumn => ({
  key,
  title,
  what,
  text: (figures) => `${(figures[key] * 100).toFixed(1)} %`,
  better: 'high',
});

/** In the order of the tables. */
export const FIGURE_COLUMNS: readonly FigureColumn[] = [
  seconds('makespanMs', 'MAKESPAN', 'from the first submit to the last end'),
  seconds('meanWaitMs', 'MEAN WAIT', 'from submit to first start'),
  seconds('p95WaitMs', 'P95 WAIT', 'the wait that one job of twenty exceeds'),
  seconds('longestWaitMs', 'LONGEST', 'the longest wait'),
  plain('meanSlowdown', 'SLOWDOWN', 'mean of max(1, (wait + run) / max(run, 10 s))', 2, 'low'),
  percent('utilisation', 'UTILISATION', 'allocated part of CPU, memory and GPU, mean over time and workers'),
  percent('steadyUtilisation', 'STEADY', 'utilisation without warm-up and drain'),
  plain('loadVariance', 'LOAD VAR', 'variance of the load over the workers, mean over time', 4, 'low'),
  plain('throughputPerHour', 'JOBS/H', 'completed jobs an hour', 1, 'high'),
  plain('starved', 'STARVED', 'jobs that waited for more than ten mean run times', 0, 'low'),
  plain('fairness', 'FAIRNESS', "Jain's index over the users' mean slowdowns; 1 is even", 3, 'high'),
];

export function durationText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 600) return `${seconds.toFixed(1)} s`;
  if (seconds < 36_000) return `${(seconds / 60).toFixed(1)} min`;
  if (seconds < 864_000) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} d`;
}

/** Columns of text, numbers to the right. */
export function figureTable(all: readonly Figures[]): string {
  const header = ['SCHEDULER', ...FIGURE_COLUMNS.map((column) => column.title)];
  const rows = all.map((figures) => [figures.scheduler, ...FIGURE_COLUMNS.map((column) => column.text(figures))]);
  return alignedTable([header, ...rows]);
}

export function alignedTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Every figure, unrounded, one scheduler a line. */
export function figureCsv(all: readonly Figures[]): string {
  const keys = Object.keys(all[0] ?? {}) as (keyof Figures)[];
  const lines = all.map((figures) => keys.map((key) => csvField(figures[key])).join(','));
  return `${[keys.join(','), ...lines].join('\n')}\n`;
}

export function csvField(value: string | number | null): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
