import { clockTime } from '../format/time.ts';
import type { TimeChartProps } from './time-chart.tsx';

/** So many rows are read with patience; they are spread over the whole time. */
const MOST_ROWS = 12;

/** The chart for those who do not see it. */
export function ChartTable({ label, at, series, format }: Pick<TimeChartProps, 'label' | 'at' | 'series' | 'format'>) {
  const step = Math.max(1, Math.ceil(at.length / MOST_ROWS));
  const rows = at.map((ms, index) => ({ ms, index })).filter(({ index }) => (at.length - 1 - index) % step === 0);
  const now = Date.now();
  return (
    <table className="sr-only">
      <caption>{label}</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          {series.map(({ label: name }) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ ms, index }) => (
          <tr key={ms}>
            <th scope="row">{clockTime(ms, now)}</th>
            {series.map(({ label: name, values }) => {
              const value = values[index];
              return <td key={name}>{value == null ? 'no value' : format(value)}</td>;
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
