import { add, fitsIn, type Resources, subtract } from '../model/resources.ts';
import type { WaitingClass } from './queue.ts';

/** What a namespace may hold and what its live attempts hold now. */
export interface QuotaState {
  readonly limit: Resources;
  readonly used: Resources;
}

/** What is left of each quota as the pass goes on. */
export class ScratchQuotas {
  readonly #quota: (namespace: string) => QuotaState | null;
  readonly #left = new Map<string, Resources | null>();

  constructor(quota: (namespace: string) => QuotaState | null) {
    this.#quota = quota;
  }

  admits(group: WaitingClass): boolean {
    const left = this.#leftOf(group.namespace);
    return left === null || fitsIn(group.request, left);
  }

  take(group: WaitingClass): void {
    const left = this.#leftOf(group.namespace);
    if (left !== null) this.#left.set(group.namespace, subtract(left, group.request));
  }

  giveBack(group: WaitingClass): void {
    const left = this.#leftOf(group.namespace);
    if (left !== null) this.#left.set(group.namespace, add(left, group.request));
  }

  #leftOf(namespace: string): Resources | null {
    const known = this.#left.get(namespace);
    if (known !== undefined) return known;
    const quota = this.#quota(namespace);
    const left = quota === null ? null : subtract(quota.limit, quota.used);
    this.#left.set(namespace, left);
    return left;
  }
}
