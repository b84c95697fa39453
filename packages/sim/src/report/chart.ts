/** Charts as inline SVG: no script, no font, nothing that would have to be loaded. */

export interface Line {
  readonly name: string;
  /** Which of the page's series it belongs to: its colour, and what hides it. */
  readonly series: number;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly lines: readonly Line[];
  readonly xText: (x: number) => string;
  readonly yText: (y: number) => string;
  /** Least height of the y axis. */
  readonly yLeast?: number;
  readonly yFrom?: number;
  /** Values span decades. */
  readonly xLog?: boolean;
}

const WIDTH = 640;
const HEIGHT = 260;
const LEFT = 64;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 44;

export function lineChart(chart: LineChart): string {
  const points = chart.lines.flatMap((line) => line.points);
  const xs = points.map(([x]) => x).filter((x) => chart.xLog !== true || x > 0);
  const x = axis(least(xs), most(xs), LEFT, WIDTH - RIGHT, chart.xLog === true);
  const yTo = Math.max(chart.yLeast ?? 0, most(points.map(([, y]) => y)));
  const y = axis(chart.yFrom ?? 0, yTo === (chart.yFrom ?? 0) ? yTo + 1 : yTo, HEIGHT - BOTTOM, TOP, false);
  const parts = [...grid(x, y, chart)];
  for (const line of chart.lines) {
    const path = line.points
      .filter(([at]) => chart.xLog !== true || at > 0)
      .map(([at, value], index) => `${index === 0 ? 'M' : 'L'}${x.place(at).toFixed(1)} ${y.place(value).toFixed(1)}`)
      .join('');
    parts.push(`<path class="line s${line.series}" d="${path}"><title>${escapeText(line.name)}</title></path>`);
  }
  return figure(chart.title, chart.xTitle, chart.yTitle, parts);
}

export interface BarChart {
  readonly title: string;
  readonly yTitle: string;
  readonly groups: readonly { readonly name: string; readonly bars: readonly Bar[] }[];
  readonly yText: (y: number) => string;
}

export interface Bar {
  readonly name: string;
  readonly series: number;
  readonly value: number;
}

export function barChart(chart: BarChart): string {
  const values = chart.groups.flatMap((group) => group.bars.map((bar) => bar.value));
  const y = axis(0, Math.max(most(values), 1e-9), HEIGHT - BOTTOM, TOP, false);
  const parts: string[] = [];
  for (const tick of y.ticks) parts.push(yTick(y.place(tick), chart.yText(tick)));
  const slot = (WIDTH - LEFT - RIGHT) / Math.max(1, chart.groups.length);
  for (const [index, group] of chart.groups.entries()) {
    const width = Math.min(40, (slot * 0.8) / Math.max(1, group.bars.length));
    const from = LEFT + slot * index + (slot - width * group.bars.length) / 2;
    for (const [at, bar] of group.bars.entries()) {
      const top = y.place(bar.value);
      const label = `${group.name}, ${bar.name}: ${chart.yText(bar.value)}`;
      parts.push(
        `<rect class="bar s${bar.series}" x="${(from + width * at).toFixed(1)}" y="${top.toFixed(1)}" width="${Math.max(1, width - 1).toFixed(1)}" height="${Math.max(0, HEIGHT - BOTTOM - top).toFixed(1)}"><title>${escapeText(label)}</title></rect>`,
      );
    }
    parts.push(text(LEFT + slot * (index + 0.5), HEIGHT - BOTTOM + 16, 'middle', group.name));
  }
  return figure(chart.title, '', chart.yTitle, parts);
}

interface Axis {
  readonly ticks: readonly number[];
  place(value: number): number;
}

function axis(from: number, to: number, low: number, high: number, log: boolean): Axis {
  if (log) {
    const [a, b] = [Math.log10(from), Math.log10(to)];
    const span = Math.max(1e-9, b - a);
    const ticks: number[] = [];
    for (let power = Math.ceil(a); power <= b; power++) ticks.push(10 ** power);
    return { ticks, place: (value) => low + ((Math.log10(value) - a) / span) * (high - low) };
  }
  const span = Math.max(1e-9, to - from);
  const step = niceStep(span / 5);
  const ticks: number[] = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-6; n++) ticks.push(n * step);
  return { ticks, place: (value) => low + ((value - from) / span) * (high - low) };
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((one) => one * power >= rough) ?? 10;
  return factor * power;
}

function grid(x: Axis, y: Axis, chart: LineChart): string[] {
  const parts = y.ticks.map((tick) => yTick(y.place(tick), chart.yText(tick)));
  for (const tick of x.ticks) parts.push(text(x.place(tick), HEIGHT - BOTTOM + 16, 'middle', chart.xText(tick)));
  return parts;
}

function yTick(at: number, label: string): string {
  const line = `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at.toFixed(1)}" y2="${at.toFixed(1)}"/>`;
  return line + text(LEFT - 6, at + 4, 'end', label);
}

function figure(title: string, xTitle: string, yTitle: string, parts: readonly string[]): string {
  const axes = [
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, 'middle', xTitle),
    `<text class="axis" transform="translate(14 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escapeText(yTitle)}</text>`,
  ];
  return [
    `<figure><figcaption>${escapeText(title)}</figcaption>`,
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeText(title)}">`,
    ...parts,
    ...axes,
    '</svg></figure>',
  ].join('\n');
}

function text(x: number, y: number, anchor: 'middle' | 'end', label: string): string {
  return `<text class="axis" x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeText(label)}</text>`;
}

export function escapeText(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function least(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((a, b) => Math.min(a, b));
}

function most(values: readonly number[]): number {
  return values.length === 0 ? 1 : values.reduce((a, b) => Math.max(a, b));
}
