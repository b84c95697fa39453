/** The cheapest change that would admit a waiting task, as one sentence; null when it only has to wait its turn. */
import { GPU_DEVICE_MILLIS } from '../model/gpu.ts';
import type { Ledger } from '../model/ledger.ts';
import { bytesQuantity, thousandthsQuantity } from '../model/quantity.ts';
import { amountOf, firstLacking, namesOf, type ResourceName, type Resources } from '../model/resources.ts';
import { type QuotaState, quotaLeft, quotaWhole } from '../model/tenancy.ts';
import { gpuModelsOf } from '../model/terms.ts';
import type { Worker } from '../model/worker.ts';
import {
  couldEverFit,
  fits,
  formatAmounts,
  obstacles,
  resourceTitle,
  suits,
  takesWork,
} from '../policy/feasibility.ts';
import type { Candidacy } from './candidates.ts';
import type { Claim, KnownWorker } from './claim.ts';

export function quotaAdvice(claim: Claim, quota: QuotaState | null): string | null {
  if (quota === null) return null;
  const never = firstLacking(claim.request, quotaWhole(quota, claim.request));
  if (never !== null) {
    const [limit, required] = formatAmounts(never, amountOf(quota.limit, never), amountOf(claim.request, never));
    return `raise the quota of namespace ${claim.namespace}, or ask for less ${resourceTitle(never)}: it allows ${limit} in all, the task requires ${required}`;
  }
  const left = quotaLeft(quota, claim.request);
  const lacking = firstLacking(claim.request, left);
  if (lacking === null) return null;
  const [has] = formatAmounts(lacking, Math.max(0, amountOf(left, lacking)), amountOf(claim.request, lacking));
  return `wait until other tasks of namespace ${claim.namespace} end, or raise its quota: ${has} ${resourceTitle(lacking)} is left`;
}

/**
 * Tried in the order of what they cost the user: let another worker take it, ask for less, end a drain, wait. For a
 * task that no worker could ever take, less means what the largest one has in all.
 */
export function advise(claim: Candidacy, workers: readonly KnownWorker[]): string | null {
  const ready = workers.flatMap(({ worker, ledger }) =>
    ledger !== null && takesWork(worker) ? [{ worker, ledger }] : [],
  );
  if (ready.some(({ worker, ledger }) => fits(claim, worker, ledger))) return null;
  if (workers.every(({ worker }) => worker.state === 'revoked')) return 'register a worker and connect it';
  return (
    freeTheTarget(claim, ready) ??
    dropTheSelector(claim, ready) ??
    takeAnotherModel(claim, ready) ??
    askForLess(claim, ready, workers) ??
    mendAWorker(claim, workers) ??
    waitForRoom(claim, ready) ??
    'add a worker that is large enough'
  );
}

interface Ready {
  readonly worker: Worker;
  readonly ledger: Ledger;
}

function freeTheTarget(claim: Candidacy, ready: readonly Ready[]): string | null {
  if (claim.targetWorker === null) return null;
  const other = ready.find(({ worker, ledger }) => fits({ ...claim, targetWorker: null }, worker, ledger));
  return other === undefined ? null : `let any worker take it: ${other.worker.id} has room`;
}

function dropTheSelector(claim: Candidacy, ready: readonly Ready[]): string | null {
  const labels = Object.keys(claim.selector).sort();
  if (labels.length === 0) return null;
  const other = ready.find(({ worker, ledger }) => fits({ ...claim, selector: {} }, worker, ledger));
  if (other === undefined) return null;
  const wanted = labels.map((label) => `${label}=${claim.selector[label]}`).join(', ');
  return `leave out the selector ${wanted}, or give worker ${other.worker.id} these labels: it has room`;
}

function takeAnotherModel(claim: Candidacy, ready: readonly Ready[]): string | null {
  const models = gpuModelsOf(claim);
  if (models.length === 0) return null;
  const anyModel = { ...claim, terms: { ...claim.terms, gpuModels: [] } };
  const other = ready.find(({ worker, ledger }) => fits(anyModel, worker, ledger));
  if (other === undefined) return null;
  const has = [...new Set(other.worker.capacity?.gpus.map((gpu) => gpu.model))].sort().join(', ');
  return `let another GPU model do than ${models.join(', ')}: ${other.worker.id} has room, with ${has}`;
}

/** The smallest cut, relative to what was asked for, among the workers that suit. */
function askForLess(claim: Candidacy, ready: readonly Ready[], all: readonly KnownWorker[]): string | null {
  const ever = all.some(({ worker }) => couldEverFit(claim, worker));
  let best: { cost: number; advice: string } | null = null;
  for (const { worker, ledger } of ready) {
    if (!suits(claim, worker)) continue;
    const room = ever ? roomNow(ledger, claim.request) : roomEver(ledger, claim.request);
    const cut = cutTo(claim.request, room, worker.id, ever ? 'available' : 'in all');
    if (cut !== null && (best === null || cut.cost < best.cost)) best = cut;
  }
  return best?.advice ?? null;
}

/** What could be asked of the worker, with the GPU part as one request can have it. */
function roomNow(ledger: Ledger, request: Resources): Resources {
  const available = ledger.available();
  const whole = Math.min(ledger.wholeFreeGpus * GPU_DEVICE_MILLIS, available.gpuMillis);
  return {
    ...available,
    gpuMillis: gpuRoom(request, whole, Math.min(ledger.largestFreeGpuMillis, available.gpuMillis)),
  };
}

function roomEver(ledger: Ledger, request: Resources): Resources {
  const total = ledger.capacity.resources;
  const whole = Math.floor(total.gpuMillis / GPU_DEVICE_MILLIS) * GPU_DEVICE_MILLIS;
  return { ...total, gpuMillis: gpuRoom(request, whole, total.gpuMillis) };
}

function gpuRoom(request: Resources, whole: number, share: number): number {
  if (request.gpuMillis < GPU_DEVICE_MILLIS || whole === 0) return Math.min(share, GPU_DEVICE_MILLIS);
  return Math.floor(whole / GPU_DEVICE_MILLIS) * GPU_DEVICE_MILLIS;
}

function cutTo(
  request: Resources,
  room: Resources,
  workerId: string,
  which: 'available' | 'in all',
): { cost: number; advice: string } | null {
  const lacking = namesOf(request).filter((name) => amountOf(request, name) > Math.max(0, amountOf(room, name)));
  let cost = 0;
  const wanted: string[] = [];
  const found: string[] = [];
  for (const name of lacking) {
    const has = roundDown(name, amountOf(room, name));
    // Asking for nothing of it is no advice.
    if (has <= 0) return null;
    const required = amountOf(request, name);
    cost += (required - has) / required;
    wanted.push(`${quantityOf(name, has)} ${nounOf(name)}`);
    found.push(formatAmounts(name, amountOf(room, name), required)[0]);
  }
  if (lacking.length === 0) return null;
  const names = lacking.length === 1 ? '' : ` (${lacking.map(nounOf).join(', ')})`;
  return {
    cost,
    advice: `ask for ${wanted.join(' and ')} or less: ${workerId} has ${found.join(' and ')}${names} ${which}`,
  };
}

const MEBIBYTE = 1024 * 1024;

/** To amounts that people write; a remainder of a mebibyte is left out. */
function roundDown(name: ResourceName, amount: number): number {
  const isBytes = name === 'memory' || name === 'storage';
  return isBytes && amount > MEBIBYTE ? amount - (amount % MEBIBYTE) : amount;
}

function quantityOf(name: ResourceName, amount: number): string {
  switch (name) {
    case 'cpu':
    case 'gpu':
      return thousandthsQuantity(amount);
    case 'memory':
    case 'storage':
      return bytesQuantity(amount);
    default:
      return String(amount);
  }
}

function nounOf(name: ResourceName): string {
  return name === 'memory' || name === 'storage' ? name : resourceTitle(name);
}

/** A worker with room that does not take work at the moment. */
function mendAWorker(claim: Candidacy, workers: readonly KnownWorker[]): string | null {
  for (const { worker, ledger } of workers) {
    if (ledger === null || worker.state === 'revoked' || !suits(claim, worker) || !ledger.fits(claim.request)) continue;
    const [first] = obstacles(claim, worker, ledger);
    if (first?.kind === 'draining') return `end the drain of worker ${worker.id}: it has room`;
    if (first !== undefined) return `bring worker ${worker.id} back: ${first.message}`;
  }
  return null;
}

/** The suitable worker that is nearest to having room once something on it ends. */
function waitForRoom(claim: Candidacy, ready: readonly Ready[]): string | null {
  const able = ready.find(({ worker }) => couldEverFit(claim, worker));
  if (able === undefined) return null;
  return `wait until something ends: ${able.worker.id} could take it when it has room`;
}
