import { INPUT } from '../components/field.tsx';

export const RANGES = ['-15m', '-1h', '-6h', '-1d', '-7d', '-30d'] as const;
export type Range = (typeof RANGES)[number];

const TEXT: Readonly<Record<Range, string>> = {
  '-15m': 'Last 15 minutes',
  '-1h': 'Last hour',
  '-6h': 'Last 6 hours',
  '-1d': 'Last day',
  '-7d': 'Last 7 days',
  '-30d': 'Last 30 days',
};

/** Charts are asked for anew after this time: a step of a short range, less often for a long one. */
export function refreshMs(range: Range): number {
  if (range === '-15m') return 5_000;
  return range === '-1h' ? 10_000 : 60_000;
}

export function RangeSelect({ value, onChange }: { readonly value: Range; readonly onChange: (range: Range) => void }) {
  return (
    <select
      aria-label="Time shown"
      value={value}
      onChange={({ target }) => onChange(target.value as Range)}
      className={`${INPUT} w-auto!`}
    >
      {RANGES.map((range) => (
        <option key={range} value={range}>
          {TEXT[range]}
        </option>
      ))}
    </select>
  );
}
