/**
 * May this task start on this worker now? The one answer to that: ranking, commit, the refusal of a targeted task
 * and the explanation all ask here, so they can not disagree.
 */
import type { Obstacle } from '../explain.ts';
import { GPU_DEVICE_MILLIS } from '../model/gpu.ts';
import type { Ledger } from '../model/ledger.ts';
import { formatGpu, formatPair } from '../model/quantity.ts';
import { amountOf, fitsIn, namesOf, type ResourceName, ZERO } from '../model/resources.ts';
import type { TaskSpec } from '../model/task.ts';
import { gpuModelsOf } from '../model/terms.ts';
import type { Worker } from '../model/worker.ts';

export type ObstacleKind = Obstacle['kind'];

/** Why a worker is passed over: lost while it started the task, or the cluster failed the task there. */
export type Avoidance = 'lost' | 'failed';

/** The part of a spec that decides where it may run. */
export type Requirement = Pick<TaskSpec, 'request' | 'targetWorker' | 'selector' | 'terms'>;

/** True exactly when `obstacles` finds none. Allocates nothing. */
export function fits(spec: Requirement, worker: Worker, ledger: Ledger): boolean {
  return takesWork(worker) && suits(spec, worker) && ledger.fits(spec.request, gpuModelsOf(spec));
}

/** Whether the worker takes any new task at all. */
export function takesWork(worker: Worker): boolean {
  return conditionOf(worker) === null;
}

/** Whether it is the right worker, its present condition and load aside. */
export function suits(spec: Requirement, worker: Worker): boolean {
  if (spec.targetWorker !== null && spec.targetWorker !== worker.id) return false;
  for (const label in spec.selector) {
    if (Object.hasOwn(spec.selector, label) && labelOf(worker, label) !== spec.selector[label]) return false;
  }
  return hasModel(spec, worker);
}

/** Whether it has a GPU of a model that will do, if a GPU is asked for. */
function hasModel(spec: Requirement, worker: Worker): boolean {
  const models = gpuModelsOf(spec);
  if (models.length === 0 || spec.request.gpuMillis === 0) return true;
  return worker.capacity?.gpus.some((gpu) => models.includes(gpu.model)) ?? false;
}

/** Whether the worker, empty and in good health, could take it: if not, waiting does not help. */
export function couldEverFit(spec: Requirement, worker: Worker): boolean {
  if (worker.state === 'revoked' || worker.capacity === null || !suits(spec, worker)) return false;
  const { resources, gpus } = worker.capacity;
  if (!fitsIn(spec.request, resources)) return false;
  const millis = spec.request.gpuMillis;
  if (millis === 0 || gpus.length === 0) return true;
  const models = gpuModelsOf(spec);
  const able = models.length === 0 ? gpus.length : gpus.filter((gpu) => models.includes(gpu.model)).length;
  return Math.ceil(millis / GPU_DEVICE_MILLIS) <= able;
}

/** A worker's label; one that an operator gave wins over one that the worker reports. */
export function labelOf(worker: Worker, label: string): string | undefined {
  if (Object.hasOwn(worker.labels, label)) return worker.labels[label];
  return Object.hasOwn(worker.detectedLabels, label) ? worker.detectedLabels[label] : undefined;
}

/**
 * Everything that keeps the task from starting on the worker now; the first one is the refusal. `ledger` is null for
 * a worker that has never told its capacity. `avoided` says why another worker should be tried first.
 */
export function obstacles(
  spec: Requirement,
  worker: Worker,
  ledger: Ledger | null,
  avoided: Avoidance | null = null,
): Obstacle[] {
  if (spec.targetWorker !== null && spec.targetWorker !== worker.id)
    return [{ kind: 'not_target', message: `Task runs on worker ${spec.targetWorker} only` }];
  return [
    ...conditionObstacles(worker),
    ...labelObstacles(spec, worker),
    ...modelObstacles(spec, worker),
    ...(avoided === null ? [] : [avoidedObstacle(worker, avoided)]),
    ...(ledger === null ? [] : roomObstacles(spec, ledger)),
  ];
}

/** What the first of `obstacles` is about: a resource it lacks, or the kind of obstacle; null if there is none. */
export function firstObstacle(
  spec: Requirement,
  worker: Worker,
  ledger: Ledger | null,
  avoided = false,
): ResourceName | ObstacleKind | null {
  if (spec.targetWorker !== null && spec.targetWorker !== worker.id) return 'not_target';
  const condition = conditionOf(worker);
  if (condition !== null) return condition;
  if (!hasModel(spec, worker)) return 'gpu_model_mismatch';
  if (!suits(spec, worker)) return 'label_mismatch';
  if (avoided) return 'avoided';
  return ledger === null ? null : ledger.firstLacking(spec.request, gpuModelsOf(spec));
}

/** `Insufficient CPU: worker has 2.00 available, task requires 3.00`, memory and storage in GB. */
export function insufficientMessage(resource: ResourceName, available: number, required: number): string {
  // A worker that came back smaller can hold more than it has: nothing is left then.
  const [has, requires] = formatAmounts(resource, Math.max(0, available), required);
  return `Insufficient ${resourceTitle(resource)}: worker has ${has} available, task requires ${requires}`;
}

export function resourceTitle(resource: ResourceName): string {
  return TITLES.get(resource) ?? resource;
}

/** Two amounts of a resource for one sentence, told apart by as many decimals as it takes. */
export function formatAmounts(resource: ResourceName, a: number, b: number): [string, string] {
  switch (resource) {
    case 'cpu':
    case 'gpu':
      return formatPair(a, b, 'thousandths');
    case 'memory':
    case 'storage':
      return formatPair(a, b, 'bytes');
    default:
      return [String(a), String(b)];
  }
}

const TITLES: ReadonlyMap<ResourceName, string> = new Map([
  ['cpu', 'CPU'],
  ['memory', 'Memory'],
  ['storage', 'Storage'],
  ['gpu', 'GPU'],
]);

function conditionObstacles(worker: Worker): Obstacle[] {
  const found: Obstacle[] = [];
  const connection = connectionOf(worker);
  if (connection !== null) found.push({ kind: connection, message: connectionMessage(worker) });
  if (worker.drain !== null) {
    const why = worker.drain.reason === null ? '' : ` (${worker.drain.reason})`;
    found.push({ kind: 'draining', message: `Worker ${worker.id} is draining${why}` });
  }
  if (worker.unhealthy !== null)
    found.push({ kind: 'unhealthy', message: `Worker ${worker.id} can not run tasks: ${worker.unhealthy}` });
  return found;
}

function conditionOf(worker: Worker): ObstacleKind | null {
  const connection = connectionOf(worker);
  if (connection !== null) return connection;
  if (worker.drain !== null) return 'draining';
  return worker.unhealthy === null ? null : 'unhealthy';
}

function connectionOf(worker: Worker): 'not_connected' | 'suspect' | null {
  if (worker.state === 'suspect') return 'suspect';
  return worker.state === 'active' && worker.connected && worker.capacity !== null ? null : 'not_connected';
}

function connectionMessage(worker: Worker): string {
  const start = `Worker ${worker.id} is not active`;
  switch (worker.state) {
    case 'revoked':
      return `${start}: it was unregistered`;
    case 'lost':
      return `${start}: it was lost`;
    case 'suspect':
      return `${start}: it is silent, and nothing is placed on it until it answers`;
    case 'registered':
      return `${start}: it has not connected yet`;
    case 'active':
      return `${start}: it is not connected`;
  }
}

function labelObstacles(spec: Requirement, worker: Worker): Obstacle[] {
  return Object.keys(spec.selector)
    .sort()
    .filter((label) => labelOf(worker, label) !== spec.selector[label])
    .map((label) => {
      const has = labelOf(worker, label);
      const found = has === undefined ? 'has no such label' : `has ${label}=${has}`;
      return {
        kind: 'label_mismatch',
        message: `Task requires ${label}=${spec.selector[label]}, worker ${worker.id} ${found}`,
      };
    });
}

function avoidedObstacle(worker: Worker, why: Avoidance): Obstacle {
  const message =
    why === 'lost'
      ? `Worker ${worker.id} was lost while it started this task: another one is tried first`
      : `Worker ${worker.id} failed this task before: another one with room is tried first`;
  return { kind: 'avoided', message };
}

function modelObstacles(spec: Requirement, worker: Worker): Obstacle[] {
  if (hasModel(spec, worker)) return [];
  const has = [...new Set(worker.capacity?.gpus.map((gpu) => gpu.model))].sort();
  const found = has.length === 0 ? 'has no GPU of a known model' : `has ${has.join(', ')}`;
  return [
    {
      kind: 'gpu_model_mismatch',
      message: `Task requires a GPU of model ${gpuModelsOf(spec).join(' or ')}, worker ${worker.id} ${found}`,
    },
  ];
}

function roomObstacles(spec: Requirement, ledger: Ledger): Obstacle[] {
  const { request } = spec;
  const available = ledger.available();
  const found: Obstacle[] = [];
  for (const resource of namesOf(request)) {
    const has = amountOf(available, resource);
    const required = amountOf(request, resource);
    if (required > has && required > 0) {
      const capacity = amountOf(ledger.capacity.resources, resource);
      const message = insufficientMessage(resource, has, required);
      found.push({ kind: 'insufficient', resource, available: has, required, capacity, message });
    } else if (resource === 'gpu' && !ledger.fits({ ...ZERO, gpuMillis: required }, gpuModelsOf(spec))) {
      found.push(fragmentedObstacle(required, ledger));
    }
  }
  return found;
}

function fragmentedObstacle(millis: number, ledger: Ledger): Obstacle {
  const free = formatGpu(ledger.freeGpuMillis);
  const message =
    millis < GPU_DEVICE_MILLIS
      ? `GPU fragmented: worker has ${free} available, at most ${formatGpu(ledger.largestFreeGpuMillis)} on one device, task requires ${formatGpu(millis)} on one`
      : `GPU fragmented: worker has ${free} available on ${ledger.gpuCount} devices, ${ledger.wholeFreeGpus} of them unused, task requires ${formatGpu(millis)} in unused devices`;
  return { kind: 'gpu_fragmented', message };
}
