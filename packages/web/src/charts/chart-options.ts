import uPlot from 'uplot';
import type { Series } from './time-chart.tsx';

interface Look {
  readonly width: number;
  readonly height: number;
  readonly series: readonly Series[];
  readonly fontFamily: string;
  readonly format: (value: number) => string;
  readonly top: () => number;
  readonly inBytes: boolean;
  readonly onCursor: (index: number | null) => void;
}

const POWERS = Array.from({ length: 60 }, (_, power) => 2 ** power);

export function chartOptions({
  width,
  height,
  series,
  fontFamily,
  format,
  top,
  inBytes,
  onCursor,
}: Look): uPlot.Options {
  const color = (name: string) => resolve(name);
  const font = `11px ${fontFamily}`;
  const axis = { stroke: color('faint'), font, ticks: { show: false }, gap: 6 } as const;
  return {
    width,
    height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      points: { size: 7 },
      drag: { x: false, y: false },
      sync: { key: 'time' },
      x: true,
      y: false,
    },
    scales: {
      x: { time: true },
      y: { range: (_chart, _least, most) => [0, Math.max(top(), Number.isFinite(most) ? most * 1.08 : 0) || 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 24, space: 72, values: timeLabels },
      {
        ...axis,
        grid: { stroke: color('line'), width: 1 },
        size: (_chart, labels) => 12 + 6.6 * Math.max(3, ...(labels ?? []).map(({ length }) => length)),
        space: 32,
        ...(inBytes ? { incrs: POWERS } : {}),
        values: (_chart, splits) => splits.map(format),
      },
    ],
    series: [{}, ...series.map((each) => seriesOf(each, color(each.tone)))],
    hooks: {
      setCursor: [(chart) => onCursor(chart.cursor.idx ?? null)],
    },
  };
}

function seriesOf({ label, isBound, isFilled, isBars }: Series, stroke: string): uPlot.Series {
  if (isBound === true) return { label, stroke, width: 1.5, dash: [5, 4], points: { show: false } };
  if (isBars === true)
    return {
      label,
      stroke,
      fill: stroke,
      width: 0,
      points: { show: false },
      paths: uPlot.paths.bars!({ size: [0.75, 40, 1], radius: 0.15 }),
    };
  return { label, stroke, width: 1.75, points: { show: false }, ...(isFilled === true ? { fill: `${stroke}26` } : {}) };
}

/** Canvases know no custom properties, and `light-dark()` is only resolved in a real property, so one is borrowed for a moment. */
function resolve(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const [red = 0, green = 0, blue = 0] = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? []).map(Number);
  probe.remove();
  return `#${[red, green, blue].map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hour12: false });
const EXACT = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

function timeLabels(_chart: uPlot, splits: number[]): string[] {
  const step = ((splits[1] ?? 0) - (splits[0] ?? 0)) * 1000;
  const form = step >= 86_400_000 ? DAY : step >= 60_000 ? CLOCK : EXACT;
  return splits.map((seconds) => form.format(seconds * 1000));
}
