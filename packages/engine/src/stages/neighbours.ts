/**
 * Which workers a task may go to for the sake of the tasks that are there: near some, apart from others, spread evenly.
 * Others are the live tasks of its namespace. Keeping apart holds both ways: a task that wants to be alone with its kind
 * is not joined by one of that kind that does not mind.
 */
import type { TaskSpec } from '../model/task.ts';
import { apartOf, mindsOthers, nearOf, spreadOf, type TaskAffinity } from '../model/terms.ts';
import type { Worker } from '../model/worker.ts';
import { labelOf } from '../policy/feasibility.ts';
import type { EngineState } from '../state.ts';

/** A live task and where it is. */
export interface Neighbour {
  readonly workerId: string;
  readonly namespace: string;
  readonly spec: TaskSpec;
}

/** What of a waiting task is looked at. */
export interface Newcomer {
  readonly spec: TaskSpec;
  readonly class: { readonly namespace: string };
}

/** Everybody who lives on a worker. */
export function* neighboursOf(state: EngineState): Iterable<Neighbour> {
  for (const [workerId, { live }] of state.workers)
    for (const taskId of live) {
      const { namespace, spec } = state.tasks.get(taskId)!;
      yield { workerId, namespace, spec };
    }
}

interface Resident {
  readonly row: number;
  readonly namespace: string;
  readonly spec: TaskSpec;
}

export class Neighbours {
  readonly #workers: readonly Worker[];
  readonly #residents: Resident[] = [];
  /** Those that keep others away. */
  readonly #keepers: Resident[] = [];

  constructor(workers: readonly Worker[], live: Iterable<Neighbour>) {
    this.#workers = workers;
    const rows = new Map(workers.map((worker, row) => [worker.id, row]));
    for (const { workerId, namespace, spec } of live) {
      const row = rows.get(workerId);
      // One on a worker that takes no work is nobody's neighbour: nothing can be placed beside it.
      if (row !== undefined) this.#add({ row, namespace, spec });
    }
  }

  /** False if it may go anywhere as far as its neighbours go. */
  concerns({ spec, class: { namespace } }: Newcomer): boolean {
    return (
      mindsOthers(spec) ||
      this.#keepers.some((one) => one.namespace === namespace && apartOf(one.spec).some((term) => isMeant(term, spec)))
    );
  }

  /** Whether a worker will do. The answer holds until somebody moves in or out. */
  boundOf({ spec, class: { namespace } }: Newcomer): (row: number) => boolean {
    const bounds = [
      ...nearOf(spec).map((term) => this.#near(term, spec, namespace)),
      ...apartOf(spec).map((term) => this.#apart(term, namespace)),
      ...spreadOf(spec).map((term) => this.#spread(term, term.maxSkew, namespace)),
    ];
    for (const keeper of this.#keepers) {
      if (keeper.namespace !== namespace) continue;
      for (const term of apartOf(keeper.spec))
        if (isMeant(term, spec)) bounds.push((row) => !this.#samePlace(term, row, keeper.row));
    }
    return (row) => bounds.every((bound) => bound(row));
  }

  moveIn({ spec, class: { namespace } }: Newcomer, row: number): void {
    this.#add({ row, namespace, spec });
  }

  /** The one that moved in last. */
  moveOut(_newcomer: Newcomer, _row: number): void {
    const gone = this.#residents.pop();
    if (gone !== undefined && this.#keepers.at(-1) === gone) this.#keepers.pop();
  }

  #add(resident: Resident): void {
    this.#residents.push(resident);
    if (apartOf(resident.spec).length > 0) this.#keepers.push(resident);
  }

  #near(term: TaskAffinity, spec: TaskSpec, namespace: string): (row: number) => boolean {
    const places = this.#placesOf(term, namespace);
    // The first of a group that wants to be near its own kind has to start somewhere.
    if (places.size === 0 && isMeant(term, spec)) return () => true;
    return (row) => places.has(this.#placeOf(term, row));
  }

  #apart(term: TaskAffinity, namespace: string): (row: number) => boolean {
    const places = this.#placesOf(term, namespace);
    return (row) => !places.has(this.#placeOf(term, row));
  }

  #spread(term: TaskAffinity, maxSkew: number, namespace: string): (row: number) => boolean {
    const counts = this.#placesOf(term, namespace);
    let fewest = Number.POSITIVE_INFINITY;
    for (let row = 0; row < this.#workers.length; row++)
      fewest = Math.min(fewest, counts.get(this.#placeOf(term, row)) ?? 0);
    return (row) => (counts.get(this.#placeOf(term, row)) ?? 0) + 1 - fewest <= maxSkew;
  }

  /** Where the tasks are that a term is about, and how many. */
  #placesOf(term: TaskAffinity, namespace: string): Map<string, number> {
    const places = new Map<string, number>();
    for (const resident of this.#residents) {
      if (resident.namespace !== namespace || !isMeant(term, resident.spec)) continue;
      const place = this.#placeOf(term, resident.row);
      places.set(place, (places.get(place) ?? 0) + 1);
    }
    return places;
  }

  #samePlace(term: TaskAffinity, row: number, other: number): boolean {
    return this.#placeOf(term, row) === this.#placeOf(term, other);
  }

  /** A worker without the label is a place of its own. */
  #placeOf({ by }: TaskAffinity, row: number): string {
    const worker = this.#workers[row]!;
    const value = by === null ? undefined : labelOf(worker, by);
    return value === undefined ? `worker ${worker.id}` : `label ${value}`;
  }
}

function isMeant({ labels }: TaskAffinity, spec: TaskSpec): boolean {
  for (const name in labels) if (!Object.hasOwn(spec.labels, name) || spec.labels[name] !== labels[name]) return false;
  return true;
}
