import { amountOf, type Resources } from '../model/resources.ts';
import type { WaitingClass } from './queue.ts';

/** Enough for the usual mix of requests; each costs a comparison per class. */
const FRONTIER_LIMIT = 32;

/**
 * The smallest requests that found no room. Room only shrinks during a pass, so whatever asks for at least as much
 * from the same workers, or from fewer of them, needs no search. A full cluster is recognised by a few scans instead
 * of one for every class.
 */
export class BlockedFrontier {
  readonly #byWhere = new Map<string, Resources[]>();

  covers(group: WaitingClass): boolean {
    return this.#coversIn('', group.request) || (group.where !== '' && this.#coversIn(group.where, group.request));
  }

  add(group: WaitingClass): void {
    // Who is avoided depends on the request, so a larger request may have other workers to go to.
    if (group.avoid.length > 0) return;
    const known = this.#byWhere.get(group.where) ?? [];
    if (known.some((request) => isAtLeast(group.request, request))) return;
    const kept = known.filter((request) => !isAtLeast(request, group.request));
    if (kept.length < FRONTIER_LIMIT) kept.push(group.request);
    this.#byWhere.set(group.where, kept);
  }

  #coversIn(where: string, request: Resources): boolean {
    const known = this.#byWhere.get(where);
    if (known === undefined) return false;
    for (const blocked of known) if (isAtLeast(request, blocked)) return true;
    return false;
  }
}

/** Whether `a` asks for as much as `b` or more in every resource. */
function isAtLeast(a: Resources, b: Resources): boolean {
  if (a.cpuMillis < b.cpuMillis || a.memoryBytes < b.memoryBytes) return false;
  if (a.storageBytes < b.storageBytes || a.gpuMillis < b.gpuMillis) return false;
  for (const name in b.custom) if (amountOf(a, name) < amountOf(b, name)) return false;
  return true;
}
