/** Which workers a task may go to, their present load aside. */
import type { Resources } from '../model/resources.ts';
import type { SchedulingTerms } from '../model/terms.ts';
import type { Worker } from '../model/worker.ts';
import { couldEverFit, suits } from '../policy/feasibility.ts';
import type { WaitingClass } from './queue.ts';

/** What of a task or of a waiting class decides where it may go. */
export interface Candidacy {
  readonly request: Resources;
  readonly targetWorker: string | null;
  readonly selector: Readonly<Record<string, string>>;
  readonly terms?: Partial<SchedulingTerms>;
  /** Workers to try last: they were lost while they started it. */
  readonly avoid: readonly string[];
  /** Workers that come after all others with room: the cluster failed it there. */
  readonly failedOn: readonly string[];
}

/**
 * The workers that something is tried on, of those given: they have to suit it, and those to be avoided are left out
 * as long as another one could ever take it. Answers their places in the list.
 */
export function candidatesOf(claim: Omit<Candidacy, 'failedOn'>, workers: readonly Worker[]): Int32Array {
  const suitable: number[] = [];
  for (const [row, worker] of workers.entries()) if (suits(claim, worker)) suitable.push(row);
  if (claim.avoid.length === 0) return Int32Array.from(suitable);
  const others = suitable.filter((row) => {
    const worker = workers[row]!;
    return !claim.avoid.includes(worker.id) && couldEverFit(claim, worker);
  });
  return Int32Array.from(others.length > 0 ? others : suitable);
}

/** The candidates of the classes of one pass, found once for each kind of constraint. */
export class CandidateLists {
  readonly #workers: readonly Worker[];
  readonly #byWhere = new Map<string, Int32Array>();
  readonly #byClass = new Map<WaitingClass, Int32Array>();
  readonly #untried = new Map<WaitingClass, Int32Array>();
  readonly #all: Int32Array;

  constructor(workers: readonly Worker[]) {
    this.#workers = workers;
    this.#all = Int32Array.from(workers.keys());
  }

  /** Rows, ascending; without those where the class failed. */
  of(group: WaitingClass): Int32Array {
    if (group.failedOn.length === 0) return this.#suitable(group);
    const known = this.#untried.get(group);
    if (known !== undefined) return known;
    const found = this.#suitable(group).filter((row) => !group.failedOn.includes(this.#workers[row]!.id));
    this.#untried.set(group, found);
    return found;
  }

  /** The rest of them: for when none of the others has room. */
  again(group: WaitingClass): Int32Array {
    if (group.failedOn.length === 0) return NO_ROWS;
    return this.#suitable(group).filter((row) => group.failedOn.includes(this.#workers[row]!.id));
  }

  #suitable(group: WaitingClass): Int32Array {
    if (group.where === '') return this.#all;
    // Who is avoided depends on the request as well, so those classes share nothing.
    return group.avoid.length === 0
      ? this.#found(this.#byWhere, group.where, group)
      : this.#found(this.#byClass, group, group);
  }

  #found<K>(lists: Map<K, Int32Array>, key: K, group: WaitingClass): Int32Array {
    const known = lists.get(key);
    if (known !== undefined) return known;
    const found = candidatesOf(group, this.#workers);
    lists.set(key, found);
    return found;
  }
}

const NO_ROWS = new Int32Array(0);
