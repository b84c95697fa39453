const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `1.5 GiB`: three figures at most, whole below a kibibyte. */
export function bytes(count: number): string {
  let value = Math.abs(count);
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const sign = count < 0 ? '−' : '';
  return `${sign}${unit === 0 ? value : figures(value)} ${UNITS[unit]}`;
}

export function bytesPerSecond(count: number): string {
  return `${bytes(Math.round(count))}/s`;
}

function figures(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return String(Number(value.toFixed(digits)));
}
