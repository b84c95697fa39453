/** How numbers and times are written for people. */
import type { ResourcesView } from '@cloudai/sdk';

const GIB = 2 ** 30;

/** `5s`, `2m 3s`, `1h 2m`, `3d 4h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}

/** `5 seconds ago`, `1 minute ago`, `2 hours ago`; `never` for null. */
export function ago(time: string | null, now: number): string {
  if (time === null) return 'never';
  const seconds = Math.max(0, Math.floor((now - Date.parse(time)) / 1000));
  if (seconds < 60) return counted(seconds, 'second');
  if (seconds < 3600) return counted(Math.floor(seconds / 60), 'minute');
  if (seconds < 86_400) return counted(Math.floor(seconds / 3600), 'hour');
  return counted(Math.floor(seconds / 86_400), 'day');
}

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}

/** Time since, short, for tables. */
export function age(time: string | null, now: number): string {
  return time === null ? '-' : duration(now - Date.parse(time));
}

/** Local date and time to the second. */
export function timestamp(time: string | null): string {
  if (time === null) return '-';
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Millicores as cores, thousandths as devices: `2`, `0.5`, `1.25`. */
export function fromMillis(millis: number): string {
  return String(millis / 1000);
}

/** `0 B`, `512.0 MiB`, `2.0 GiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${count} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** GiB as a plain number; the older interface writes it as GB. */
export function gib(count: number, digits: number): string {
  return (count / GIB).toFixed(digits);
}

/** `2 CPU, 4.0 GiB, 1 GPU`: what is not zero. */
export function resources(view: ResourcesView): string {
  const parts = [`${fromMillis(view.cpuMillis)} CPU`, bytes(view.memoryBytes)];
  if (view.gpuMillis > 0) parts.push(`${fromMillis(view.gpuMillis)} GPU`);
  for (const [name, count] of Object.entries(view.custom)) if (count > 0) parts.push(`${count} ${name}`);
  return parts.join(', ');
}

/** Of a share 0..1. */
export function percent(share: number, digits = 0): string {
  return `${(share * 100).toFixed(digits)}%`;
}
