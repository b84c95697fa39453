import { add, fitsIn, subtract } from '../model/resources.ts';
import { type QuotaState, quotaLeft } from '../model/tenancy.ts';
import type { WaitingClass } from './queue.ts';

/** What is left of each quota as the pass goes on. */
export class ScratchQuotas {
  readonly #quota: (namespace: string) => QuotaState | null;
  readonly #states = new Map<string, QuotaState | null>();

  constructor(quota: (namespace: string) => QuotaState | null) {
    this.#quota = quota;
  }

  admits(group: WaitingClass): boolean {
    const state = this.#of(group.namespace);
    return state === null || fitsIn(group.request, quotaLeft(state, group.request));
  }

  take(group: WaitingClass): void {
    this.#change(group, add);
  }

  giveBack(group: WaitingClass): void {
    this.#change(group, subtract);
  }

  #change({ namespace, request }: WaitingClass, change: typeof add): void {
    const state = this.#of(namespace);
    if (state !== null) this.#states.set(namespace, { ...state, used: change(state.used, request) });
  }

  #of(namespace: string): QuotaState | null {
    const known = this.#states.get(namespace);
    if (known !== undefined) return known;
    const state = this.#quota(namespace);
    this.#states.set(namespace, state);
    return state;
  }
}
