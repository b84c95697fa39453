/** Integers of the API as the quantities that a submission takes. Exact: reading them again gives the same integer. */

const BYTE_UNITS = [
  ['Ti', 2 ** 40],
  ['Gi', 2 ** 30],
  ['Mi', 2 ** 20],
  ['Ki', 2 ** 10],
] as const;

const TIME_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const;

export function coresQuantity(millis: number): string {
  return millis % 1000 === 0 ? String(millis / 1000) : `${millis}m`;
}

export function bytesQuantity(count: number): string {
  const unit = BYTE_UNITS.find(([, size]) => count >= size && count % size === 0);
  // There is no unit for single bytes; a fraction of 1024 is exact in decimals.
  return unit === undefined ? `${count / 1024}Ki` : `${count / unit[1]}${unit[0]}`;
}

export function durationQuantity(ms: number): string {
  const unit = TIME_UNITS.find(([, size]) => ms >= size && ms % size === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}
