/**
 * What a task asks for and a worker offers. Integers only, so that sums are exact:
 * CPU in millicores, memory and storage in bytes, GPU in thousandths of a device,
 * custom resources as plain counts.
 */
export interface Resources {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly gpuMillis: number;
  /** Named countable resources, e.g. `{ "licence-matlab": 2 }`. Absent names count as 0. */
  readonly custom: Readonly<Record<string, number>>;
}

/** Resource names in the order in which a refusal reports them; custom ones follow, by name. */
export const RESOURCE_NAMES = ['cpu', 'memory', 'storage', 'gpu'] as const;
/** One of the four built-in names, or the name of a custom resource. */
export type ResourceName = string;

/** A share of one GPU that a reservation holds. `index` counts the worker's devices from 0. */
export interface GpuShare {
  readonly index: number;
  /** Thousandths of the device: 1..1000. */
  readonly millis: number;
}

/** Shared by everything without custom resources, so that the common case allocates nothing. */
export const NO_CUSTOM: Readonly<Record<string, number>> = Object.freeze({});

export const ZERO: Resources = Object.freeze({
  cpuMillis: 0,
  memoryBytes: 0,
  storageBytes: 0,
  gpuMillis: 0,
  custom: NO_CUSTOM,
});

export function add(a: Resources, b: Resources): Resources {
  return combine(a, b, 1);
}

/** a − b, exactly: an amount may come out negative and is never clamped. */
export function subtract(a: Resources, b: Resources): Resources {
  return combine(a, b, -1);
}

/** Whether `free` covers `request` in every resource; equality passes, and asking for nothing always does. */
export function fitsIn(request: Resources, free: Resources): boolean {
  return firstLacking(request, free) === null;
}

/** The first resource of which `free` has too little: CPU, memory, storage, GPU, then custom ones by name. */
export function firstLacking(request: Resources, free: Resources): ResourceName | null {
  if (lacks(request.cpuMillis, free.cpuMillis)) return 'cpu';
  if (lacks(request.memoryBytes, free.memoryBytes)) return 'memory';
  if (lacks(request.storageBytes, free.storageBytes)) return 'storage';
  if (lacks(request.gpuMillis, free.gpuMillis)) return 'gpu';
  let first: ResourceName | null = null;
  for (const name in request.custom) {
    if ((first === null || name < first) && lacks(countOf(request.custom, name), countOf(free.custom, name)))
      first = name;
  }
  return first;
}

/** The amount under a name, in the resource's own unit. */
export function amountOf(resources: Resources, name: ResourceName): number {
  switch (name) {
    case 'cpu':
      return resources.cpuMillis;
    case 'memory':
      return resources.memoryBytes;
    case 'storage':
      return resources.storageBytes;
    case 'gpu':
      return resources.gpuMillis;
    default:
      return countOf(resources.custom, name);
  }
}

/** The built-in names, then the custom ones of these resources, sorted. */
export function namesOf(resources: Resources): ResourceName[] {
  return [...RESOURCE_NAMES, ...Object.keys(resources.custom).sort()];
}

/** Own properties only: a resource may be called `constructor`. */
export function countOf(custom: Readonly<Record<string, number>>, name: string): number {
  return Object.hasOwn(custom, name) ? (custom[name] as number) : 0;
}

/** Asking for nothing lacks nothing, even where a shrunken worker has less than nothing left. */
function lacks(required: number, available: number): boolean {
  return required > available && required > 0;
}

function combine(a: Resources, b: Resources, sign: 1 | -1): Resources {
  return {
    cpuMillis: a.cpuMillis + sign * b.cpuMillis,
    memoryBytes: a.memoryBytes + sign * b.memoryBytes,
    storageBytes: a.storageBytes + sign * b.storageBytes,
    gpuMillis: a.gpuMillis + sign * b.gpuMillis,
    custom: combineCustom(a.custom, b.custom, sign),
  };
}

/** Names sorted and zeros left out, so that equal amounts are equal byte for byte. */
function combineCustom(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
  sign: 1 | -1,
): Readonly<Record<string, number>> {
  if (isEmpty(a) && isEmpty(b)) return NO_CUSTOM;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  const sums = [...names].sort().map((name): [string, number] => [name, countOf(a, name) + sign * countOf(b, name)]);
  const kept = sums.filter(([, count]) => count !== 0);
  return kept.length === 0 ? NO_CUSTOM : Object.fromEntries(kept);
}

function isEmpty(record: object): boolean {
  for (const _name in record) return false;
  return true;
}
