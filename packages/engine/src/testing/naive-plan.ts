import { add, amountOf, namesOf, RESOURCE_NAMES, type Resources, ZERO } from '../model/resources.ts';
import type { Task } from '../model/task.ts';
import { gpuModelsOf } from '../model/terms.ts';
import { couldEverFit, fits, takesWork } from '../policy/feasibility.ts';
import type { PlacementPolicy, Scorer, WorkerRoom } from '../policy/policy.ts';
import { RoomTable } from '../policy/room-table.ts';
import { claimOf } from '../stages/claim.ts';
import type { PlaceView } from '../stages/place.ts';

/** The meaning of a pass, without classes, heaps, frontiers or leaps. */
export function naivePlan(
  view: PlaceView,
  policy: PlacementPolicy,
  tasks: readonly Task[],
  failedOn: (task: Task) => readonly string[] = () => [],
): string[] {
  const rooms: WorkerRoom[] = view.workers.map(({ worker, ledger }) => ({ worker, ledger: ledger.clone() }));
  const taking = rooms.filter(({ worker }) => takesWork(worker));
  const used = new Map<string, Resources>();
  let last = view.cursor;
  const plan: string[] = [];
  const ordered = [...tasks].sort((a, b) => b.priority - a.priority || a.sequence - b.sequence);
  for (const task of ordered) {
    const { request } = task.spec;
    const ask = { request, gpuModels: gpuModelsOf(task.spec), task: { ...claimOf(task, []).facts } };
    const quota = view.quota(task.namespace);
    const held = used.get(task.namespace) ?? quota?.used ?? ZERO;
    if (quota !== null && !isWithin(quota.limit, held, request)) continue;
    const avoids = ({ worker }: WorkerRoom) => task.suspectWorkers.includes(worker.id);
    const others = rooms.some(
      (room) => !avoids(room) && room.worker.state === 'active' && couldEverFit(task.spec, room.worker),
    );
    const able = rooms.filter((room) => fits(task.spec, room.worker, room.ledger) && !(others && avoids(room)));
    const untried = able.filter(({ worker }) => !failedOn(task).includes(worker.id));
    const chosen = choose(untried) ?? choose(able);
    if (chosen === undefined) continue;
    chosen.ledger.reserve(request, gpuModelsOf(task.spec), deviceOn(chosen));
    used.set(task.namespace, add(held, request));
    last = chosen.worker.id;
    plan.push(`${task.id} ${chosen.worker.id}`);

    function choose(able: WorkerRoom[]): WorkerRoom | undefined {
      if (policy.kind === 'cycling') return able.find(({ worker }) => last === null || worker.id > last) ?? able[0];
      const scores = new Float64Array(able.length);
      const rows = Int32Array.from(able, (room) => taking.indexOf(room));
      scorerNow().score(ask, rows, able.length, scores);
      return able[scores.indexOf(Math.max(...scores))];
    }

    function deviceOn(room: WorkerRoom): number {
      const isShare = request.gpuMillis > 0 && request.gpuMillis < 1000;
      if (!isShare || policy.kind !== 'scoring') return -1;
      return scorerNow().device?.(ask, taking.indexOf(room)) ?? -1;
    }

    function scorerNow(): Scorer {
      if (policy.kind !== 'scoring') throw new Error(`${policy.name} does not score`);
      return policy.prepare(new RoomTable(taking.map(({ ledger }) => ledger)), view.knowledge);
    }
  }
  return plan;
}

/** Whoever asks for nothing of a resource, or for one that the quota does not speak of, does not touch it. */
function isWithin(limit: Resources, held: Resources, request: Resources): boolean {
  return namesOf(request).every((name) => {
    const isBounded = RESOURCE_NAMES.some((known) => known === name) || Object.hasOwn(limit.custom, name);
    const asked = amountOf(request, name);
    return !isBounded || asked === 0 || amountOf(held, name) + asked <= amountOf(limit, name);
  });
}
