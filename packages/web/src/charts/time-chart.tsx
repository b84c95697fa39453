/** Lines over time on a canvas. What it shows is also told as text: the newest values in the legend, all in a table. */
import 'uplot/dist/uPlot.min.css';
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { useWidth } from '../components/use-width.ts';
import { clockTime } from '../format/time.ts';
import { useIsDark } from '../theme/theme.ts';
import { chartOptions } from './chart-options.ts';
import { ChartTable } from './chart-table.tsx';

export interface Series {
  readonly label: string;
  /** Name of a colour token: `cpu`, `failed`. */
  readonly tone: string;
  readonly values: readonly (number | null)[];
  /** A thin dashed line: a bound, not a measurement. */
  readonly isBound?: boolean;
  readonly isFilled?: boolean;
  readonly isBars?: boolean;
}

export interface TimeChartProps {
  readonly label: string;
  /** Unix ms. */
  readonly at: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly height?: number;
  /** The axis reaches at least to here. */
  readonly top?: number;
  /** Steps of the axis are powers of two. */
  readonly inBytes?: boolean;
}

export function TimeChart({ label, at, series, format, height = 140, top = 0, inBytes = false }: TimeChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const width = useWidth(holder);
  const isDark = useIsDark();
  const [cursor, setCursor] = useState<number | null>(null);
  const id = useId();
  const shape = JSON.stringify(
    series.map(({ label: name, tone, isBound, isFilled, isBars }) => [name, tone, isBound, isFilled, isBars]),
  );
  const data = useMemo<uPlot.AlignedData>(
    () => [at.map((ms) => ms / 1000), ...series.map(({ values }) => [...values])],
    [at, series],
  );
  const latest = useRef({ data, series, format, top });
  latest.current = { data, series, format, top };

  useEffect(() => {
    const { current } = holder;
    if (current === null || width === 0) return;
    const options = chartOptions({
      width,
      height,
      series: latest.current.series,
      fontFamily: getComputedStyle(current).fontFamily,
      format: (value) => latest.current.format(value),
      top: () => latest.current.top || (inBytes ? 1024 : 0),
      inBytes,
      onCursor: setCursor,
    });
    chart.current = new uPlot(options, latest.current.data, current);
    return () => {
      chart.current?.destroy();
      chart.current = null;
    };
  }, [shape, width, height, isDark, inBytes]);

  useEffect(() => {
    chart.current?.setData(data);
  }, [data]);

  const shown = cursor ?? lastIndex(series);
  return (
    <figure aria-labelledby={id} className="min-w-0">
      <figcaption id={id} className="mb-2 flex flex-wrap items-baseline gap-x-4 gap-y-0.5">
        <span className="font-medium">{label}</span>
        <span className="flex flex-wrap gap-x-3 text-small text-muted">
          {series.map(({ label: name, tone, values, isBound }) => {
            const value = values[shown];
            return (
              <span key={name} className="inline-flex items-center gap-1.5">
                <span
                  className={`w-2.5 ${isBound === true ? 'h-0 border-t-2 border-dashed' : 'h-1 rounded-full'}`}
                  style={{
                    backgroundColor: isBound === true ? undefined : `var(--${tone})`,
                    borderColor: `var(--${tone})`,
                  }}
                />
                {name} <span className="font-medium text-ink">{value == null ? '–' : format(value)}</span>
              </span>
            );
          })}
          {cursor !== null && at[cursor] !== undefined && <span>{clockTime(at[cursor], Date.now())}</span>}
        </span>
      </figcaption>
      <div ref={holder} aria-hidden="true" className="w-full" style={{ height }} />
      <ChartTable label={label} at={at} series={series} format={format} />
    </figure>
  );
}

function lastIndex(series: readonly Series[]): number {
  return Math.max(
    -1,
    ...series
      .filter(({ isBound }) => isBound !== true)
      .map(({ values }) => values.findLastIndex((value) => value !== null)),
  );
}
