const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** `100,000` */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** `100K`, for axes and badges. */
export function compactCount(value: number): string {
  return COMPACT.format(value);
}

/** `3 tasks`, `1 task`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** `42 %` of a share between 0 and 1; a trace is never shown as nothing. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '–';
  const value = share * 100;
  if (value > 0 && value < 1) return '<1 %';
  return `${Math.round(value)} %`;
}
