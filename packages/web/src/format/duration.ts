const UNITS: readonly [name: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** The two largest units: `2d 4h`, `3m 20s`, `12s`, `350ms`. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  const whole = Math.max(0, ms);
  if (whole < 1000) return `${Math.round(whole)}ms`;
  const first = UNITS.findIndex(([, size]) => whole >= size);
  const [name, size] = UNITS[first]!;
  const count = Math.floor(whole / size);
  const next = UNITS[first + 1];
  const rest = next === undefined ? 0 : Math.floor((whole - count * size) / next[1]);
  return rest === 0 ? `${count}${name}` : `${count}${name} ${rest}${next![0]}`;
}

/** One unit only, for narrow columns: `4m`. */
export function shortDuration(ms: number): string {
  const whole = Math.max(0, ms);
  const [name, size] = UNITS.find(([, unit]) => whole >= unit) ?? ['s', 1000];
  return `${Math.floor(whole / size)}${name}`;
}
