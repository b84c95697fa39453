/**
 * The schedule pass: which waiting task goes to which worker. It works on scratch copies and changes nothing; what
 * it proposes is checked again by the commit. Tasks are taken in the order of the queue, and one that does not fit
 * does not hold up those behind it.
 */
import type { GpuShare, Resources } from '../model/resources.ts';
import type { TaskId } from '../model/task.ts';
import type { QuotaState } from '../model/tenancy.ts';
import { couldEverFit } from '../policy/feasibility.ts';
import { priority } from '../policy/orders/priority.ts';
import type { Knowledge, PlacementPolicy, WorkerRoom } from '../policy/policy.ts';
import { BlockedFrontier } from './blocked-frontier.ts';
import { candidatesOf } from './candidates.ts';
import type { Finder } from './finder.ts';
import { finderOf } from './finders.ts';
import { type Neighbour, Neighbours } from './neighbours.ts';
import { OrderedPass, type PassOrder, sizeOf, type TaskWalk } from './ordered-pass.ts';
import { chooseVictims, type Resident } from './preempt.ts';
import type { WaitingClass, WaitingQueue } from './queue.ts';
import type { QueueEntry } from './queue-order.ts';
import { mostPromises, type Promised, Reservations, type Running } from './reservations.ts';
import { ScratchCluster } from './scratch-cluster.ts';
import { ScratchQuotas } from './scratch-quotas.ts';

export interface PlaceView {
  readonly queue: WaitingQueue;
  /** Every worker that has told its capacity, in any condition, ascending by id. */
  readonly workers: readonly WorkerRoom[];
  /** Round-robin's cursor: the worker chosen last. */
  readonly cursor: string | null;
  /** What the policy may know beside the workers; nothing if left out. */
  readonly knowledge?: Knowledge;
  /** For policies that draw; 0 if left out. */
  readonly seed?: number;
  /** Another order than the queue's own; with it come promises to tasks that do not fit. */
  readonly order?: PassOrder;
  /** null: the namespace has no quota. */
  quota(namespace: string): QuotaState | null;
  /** What runs on a worker and when it should be over; nothing is foreseen if left out. */
  running?(workerId: string): readonly Running[];
  /** The policy of these tasks, if it is another one than that of the pass. */
  policyFor?(group: WaitingClass): PlacementPolicy | null;
  /** All tasks that have to start together with this one, itself among them; null while some of them can not. */
  gang?(entry: QueueEntry): readonly QueueEntry[] | null;
  /** What lives on a worker, where tasks of higher priority may make it go; nobody has to if left out. */
  residents?(workerId: string): readonly Resident[];
  /** Live tasks, where some have to be near each other or apart. */
  neighbours?(): Iterable<Neighbour>;
}

export interface Placement {
  readonly taskId: TaskId;
  readonly workerId: string;
  /** The policy, and the score that decided. */
  readonly placedBy: string;
  /** The GPUs that it chose; those with the best fit if left out. */
  readonly gpus?: readonly GpuShare[];
}

/** A class with a waiting task that can not start now; see `waitingMessage` for the words. */
export interface BlockedClass {
  readonly class: WaitingClass;
  /**
   * quota       its namespace has no room
   * room        no worker has
   * neighbours  those with room do not have the right tasks beside
   * promised    the workers with room are promised to tasks before it
   * gang        not all tasks of its gang can start together
   */
  readonly reason: 'quota' | 'room' | 'neighbours' | 'promised' | 'gang';
  /** The first of its tasks that could not start. */
  readonly taskId: TaskId;
}

/** A task that waits for a worker of its own. */
export interface PromisedStart {
  readonly taskId: TaskId;
  readonly workerId: string;
  /** When it is expected to start, Unix ms; null: when the worker is empty enough. */
  readonly startAt: number | null;
}

/** Tasks that have to go so that another one can start. */
export interface Preemption {
  readonly taskId: TaskId;
  readonly workerId: string;
  readonly victims: readonly TaskId[];
}

export interface Plan {
  readonly assignments: readonly Placement[];
  readonly preemptions: readonly Preemption[];
  /** For the next pass. */
  readonly cursor: string | null;
  readonly blocked: readonly BlockedClass[];
  readonly promised: readonly PromisedStart[];
  /** The limit ended the pass: what is neither assigned nor blocked was not looked at. */
  readonly more: boolean;
}

/** At most `limit` placements (a gang is never cut), the tasks that are next in the queue first. */
export function place(view: PlaceView, policy: PlacementPolicy, limit: number): Plan {
  return new PlacePass(view, policy, limit).run();
}

/** Tasks that have waited for too long and are looked at first. */
const MOST_STARVING = 16;
/**
 * Share of the workers that may be barred to all others for such tasks, one in any case. In a replay of
 * `openb:default` on few workers at twice the load the mean slowdown was 10 without an age limit, 324 with a tenth barred
 * and 1,310 with up to 16; the longest wait 16.9, 12.9 and 12.9 days. What bars less and bounds as well is to be found.
 */
const MOST_BARRED = 0.1;
/** Tasks of one class that are tried although one before them was turned down for its own sake. */
const MOST_TURNED_DOWN = 64;
/** Workers looked at for a promise or for victims: what lives on each has to be gone through. */
const MOST_ROWS = 512;
/** Tasks that others are stopped for in one pass. */
const MOST_PREEMPTORS = 8;

class PlacePass {
  readonly #view: PlaceView;
  readonly #policy: PlacementPolicy;
  readonly #limit: number;
  readonly #cluster: ScratchCluster;
  readonly #quotas: ScratchQuotas;
  readonly #frontier = new BlockedFrontier();
  readonly #assignments: Placement[] = [];
  readonly #blocked = new Map<WaitingClass, BlockedClass>();
  readonly #promised: PromisedStart[] = [];
  /** Placed, or known to have to wait: not to be looked at again. */
  readonly #done = new Set<TaskId>();
  readonly #turnedDown = new Map<WaitingClass, number>();
  readonly #started: { readonly row: number; readonly endsAt: number; readonly request: Resources }[] = [];
  readonly #preemptions: Preemption[] = [];
  /** Workers that are kept for starving tasks. */
  #barred = 0;
  /** Blocked tasks that preemption was tried for. */
  #preemptors = 0;
  #finders = new Map<PlacementPolicy, Finder>();
  #reservations: Reservations | null = null;
  #neighbours: Neighbours | null = null;
  #cursor: string | null;

  constructor(view: PlaceView, policy: PlacementPolicy, limit: number) {
    this.#view = view;
    this.#policy = policy;
    this.#limit = limit;
    this.#cluster = new ScratchCluster(view.workers);
    this.#quotas = new ScratchQuotas((namespace) => view.quota(namespace));
    this.#cursor = view.cursor;
    if (view.neighbours !== undefined) this.#neighbours = new Neighbours(this.#cluster.workers, view.neighbours());
  }

  run(): Plan {
    const { order, queue } = this.#view;
    for (const entry of this.#starving()) this.#tryStarving(entry);
    const walk =
      order === undefined || order.policy === priority
        ? queue.pass()
        : new OrderedPass(queue.strands(order.policy.within), order, sizeOf(this.#view.workers));
    let entry = walk.next();
    for (; entry !== null && this.#assignments.length < this.#limit; entry = walk.next()) {
      if (this.#done.has(entry.taskId)) continue;
      if (!this.#tryNext(entry, walk) && order?.backfill === 'strict') break;
    }
    const strictly = entry !== null && this.#assignments.length < this.#limit;
    return {
      assignments: this.#assignments,
      preemptions: this.#preemptions,
      cursor: this.#cursor,
      blocked: [...this.#blocked.values()],
      promised: this.#promised,
      more: entry !== null && !strictly,
    };
  }

  /** False if the task has to wait. */
  #tryNext(entry: QueueEntry, walk: TaskWalk): boolean {
    const group = entry.class;
    if (!this.#quotas.admits(group)) {
      this.#block(entry, 'quota');
      walk.skipClass();
      // A namespace without room is no reason for others to wait, however strict the order is.
      return true;
    }
    if (entry.gang !== null) return this.#tryGang(entry, walk);
    if (this.#frontier.covers(group)) {
      this.#block(entry, 'room');
      this.#afterBlock(entry);
      if (!this.#promisesMore()) walk.skipClass();
      return false;
    }
    const row = this.#find(entry);
    if (row >= 0) {
      walk.took();
      this.#assign(entry, row);
      return true;
    }
    if (this.#cluster.guard === null) {
      this.#frontier.add(group);
      this.#block(entry, 'room');
      this.#afterBlock(entry);
      if (!this.#promisesMore()) walk.skipClass();
      return false;
    }
    this.#block(entry, this.#reservations === null ? 'neighbours' : 'promised');
    this.#afterBlock(entry);
    const turnedDown = (this.#turnedDown.get(group) ?? 0) + 1;
    this.#turnedDown.set(group, turnedDown);
    if (this.#promisesMore()) return false;
    if (turnedDown >= MOST_TURNED_DOWN) walk.skipClass();
    // Neighbours look at labels, in which tasks that are alike otherwise may differ.
    else if (this.#neighbours?.concerns(entry) !== true) walk.skipAlike();
    return false;
  }

  /** The worker that the policy chooses among those that have room and are promised to nobody else; -1: none. */
  #find(entry: QueueEntry): number {
    this.#cluster.guard = this.#guardFor(entry);
    return this.#finderFor(entry.class).find(entry.class, entry);
  }

  #guardFor(entry: QueueEntry): ((row: number) => boolean) | null {
    const reservations = this.#reservations;
    const neighbours = this.#neighbours;
    const bound = neighbours?.concerns(entry) === true ? neighbours.boundOf(entry) : null;
    if (reservations === null) return bound;
    const { request } = entry.class;
    const { expectedMs } = entry.facts;
    return (row) => (bound === null || bound(row)) && reservations.admits(row, request, expectedMs);
  }

  #assign(entry: QueueEntry, row: number): void {
    const group = entry.class;
    const finder = this.#finderFor(group);
    const workerId = this.#cluster.workers[row]!.id;
    const placedBy = `${finder.describe(group, entry, row)}${failureNote(group, workerId)}`;
    const gpus = this.#cluster.place(row, group, finder.device(group, entry, row));
    for (const each of this.#finders.values()) each.placed(row);
    this.#cursor = finder.cursor ?? this.#cursor;
    this.#quotas.take(group);
    this.#neighbours?.moveIn(entry, row);
    if (this.#view.order !== undefined) this.#noteStart(entry, row);
    this.#assignments.push({ taskId: entry.taskId, workerId, placedBy, gpus });
  }

  #noteStart({ facts, class: group }: QueueEntry, row: number): void {
    const endsAt = facts.expectedMs === null ? Number.POSITIVE_INFINITY : this.#view.order!.now + facts.expectedMs;
    this.#started.push({ row, endsAt, request: group.request });
  }

  /** All tasks of the gang start now, or none of them. */
  #tryGang(entry: QueueEntry, walk: TaskWalk): boolean {
    const members = this.#view.gang?.(entry) ?? null;
    const before = this.#assignments.length;
    const cursor = this.#cursor;
    if (members !== null && this.#mayFit(members) && this.#placeAll(members)) {
      for (const member of members) {
        this.#done.add(member.taskId);
        if (member === entry) walk.took();
      }
      return true;
    }
    const tried = this.#assignments.length;
    for (const { taskId, workerId, gpus } of this.#assignments.splice(before).reverse()) {
      const member = members!.find((one) => one.taskId === taskId)!;
      const row = this.#cluster.workers.findIndex((worker) => worker.id === workerId);
      this.#cluster.giveBack(row, member.class, gpus!);
      this.#quotas.giveBack(member.class);
      this.#neighbours?.moveOut(member, row);
      if (this.#view.order !== undefined) this.#started.pop();
    }
    if (this.#assignments.length < tried) {
      // Finders rely on room that only shrinks.
      this.#finders = new Map();
      this.#cursor = cursor;
    }
    for (const member of members ?? [entry]) this.#done.add(member.taskId);
    this.#block(entry, 'gang');
    return false;
  }

  /** False if the gang asks for more than is free in all, or one of it for more than any worker has: no need to try. */
  #mayFit(members: readonly QueueEntry[]): boolean {
    if (members.some((member) => this.#frontier.covers(member.class))) return false;
    const { freeCpuMillis, freeMemoryBytes, freeGpuMillis } = this.#cluster.table;
    const asks = (name: 'cpuMillis' | 'memoryBytes' | 'gpuMillis') =>
      members.reduce((sum, { class: { request } }) => sum + request[name], 0);
    const has = (column: Float64Array) => column.reduce((sum, free) => sum + free, 0);
    return (
      asks('cpuMillis') <= has(freeCpuMillis) &&
      asks('memoryBytes') <= has(freeMemoryBytes) &&
      asks('gpuMillis') <= has(freeGpuMillis)
    );
  }

  #placeAll(members: readonly QueueEntry[]): boolean {
    return members.every((member) => {
      if (!this.#quotas.admits(member.class)) return false;
      const row = this.#find(member);
      if (row >= 0) this.#assign(member, row);
      return row >= 0;
    });
  }

  #starving(): QueueEntry[] {
    const { order, queue } = this.#view;
    const limit = order?.starvationMs ?? null;
    if (order === undefined || limit === null) return [];
    return queue.oldest(MOST_STARVING).filter(({ since }) => since + limit <= order.now);
  }

  /** It starts before all others, or a worker is kept for it. */
  #tryStarving(entry: QueueEntry): void {
    const group = entry.class;
    if (entry.gang !== null || !this.#quotas.admits(group)) return;
    this.#done.add(entry.taskId);
    const row = this.#find(entry);
    if (row >= 0) {
      this.#assign(entry, row);
      return;
    }
    this.#block(entry, 'room');
    if (this.#clear(entry) || this.#promise(entry) !== null) return;
    if (this.#barred >= Math.max(1, this.#cluster.workers.length * MOST_BARRED)) return;
    const bar = this.#emptiestFor(entry);
    if (bar < 0) return;
    this.#barred++;
    this.#promises().bar(bar, group.request);
    this.#promised.push({ taskId: entry.taskId, workerId: this.#cluster.workers[bar]!.id, startAt: null });
  }

  /** The first of a class that has to wait may have a worker cleared or promised, under `conservative` each of it. */
  #afterBlock(entry: QueueEntry): void {
    const isFirst = this.#blocked.get(entry.class)?.taskId === entry.taskId;
    if (isFirst && this.#clear(entry)) return;
    const most = mostPromises(this.#view.order?.backfill);
    if ((isFirst || this.#promisesMore()) && this.#promised.length < most) this.#promise(entry);
  }

  /** Every task that has to wait is to be promised a worker, as long as there are not too many. */
  #promisesMore(): boolean {
    const backfill = this.#view.order?.backfill;
    return backfill === 'conservative' && this.#promised.length < mostPromises(backfill);
  }

  /** Stops others for it, or waits for those that are stopping; the worker is kept for it until then. */
  #clear(entry: QueueEntry): boolean {
    const { residents, order } = this.#view;
    if (residents === undefined || order === undefined || this.#preemptors >= MOST_PREEMPTORS) return false;
    this.#preemptors++;
    const { workers } = this.#cluster;
    // What is promised or has the wrong neighbours is no use.
    const guard = this.#guardFor(entry);
    const rows = this.#rowsFor(entry).filter((row) => guard === null || guard(row));
    const eviction = chooseVictims(entry.class, entry.priority, order.now, rows, {
      ledgerOf: (row) => this.#cluster.ledgerOf(row),
      residentsOf: (row) => residents(workers[row]!.id),
    });
    if (eviction === null) return false;
    const workerId = workers[eviction.row]!.id;
    this.#promises().bar(eviction.row, entry.class.request);
    this.#promised.push({ taskId: entry.taskId, workerId, startAt: null });
    const victims = eviction.victims.map(({ taskId }) => taskId);
    if (victims.length > 0) this.#preemptions.push({ taskId: entry.taskId, workerId, victims });
    return true;
  }

  #promise(entry: QueueEntry): Promised | null {
    const { request } = entry.class;
    const promised = this.#promises().promise(this.#rowsFor(entry), request, entry.facts.expectedMs);
    if (promised === null || promised.startAt === Number.POSITIVE_INFINITY) return null;
    const workerId = this.#cluster.workers[promised.row]!.id;
    this.#promised.push({ taskId: entry.taskId, workerId, startAt: promised.startAt });
    return promised;
  }

  /** Workers that could take the task if they were empty; of very many, some spread evenly. */
  #rowsFor(entry: QueueEntry): number[] {
    const { workers } = this.#cluster;
    const able = [...candidatesOf(entry.class, workers)].filter((row) => couldEverFit(entry.class, workers[row]!));
    const step = Math.ceil(able.length / MOST_ROWS);
    return step <= 1 ? able : able.filter((_, at) => at % step === 0);
  }

  /** Where the largest part of what it needs is free already. */
  #emptiestFor(entry: QueueEntry): number {
    const { cpuMillis, memoryBytes, gpuMillis } = entry.class.request;
    let best = -1;
    let bestPart = -1;
    for (const row of this.#rowsFor(entry)) {
      if (this.#promises().isPromised(row)) continue;
      const free = this.#cluster.freeOn(row);
      const part = Math.min(
        cpuMillis === 0 ? 1 : free.cpuMillis / cpuMillis,
        memoryBytes === 0 ? 1 : free.memoryBytes / memoryBytes,
        gpuMillis === 0 ? 1 : free.gpuMillis / gpuMillis,
      );
      if (part > bestPart) {
        best = row;
        bestPart = part;
      }
    }
    return best;
  }

  #promises(): Reservations {
    this.#reservations ??= new Reservations(this.#view.order!.now, (row) => ({
      free: this.#cluster.freeOn(row),
      running: [
        ...(this.#view.running?.(this.#cluster.workers[row]!.id) ?? []),
        ...this.#started.filter((one) => one.row === row),
      ],
    }));
    return this.#reservations;
  }

  #block(entry: QueueEntry, reason: BlockedClass['reason']): void {
    // A gang says nothing about the others of the class.
    const known = this.#blocked.get(entry.class);
    if (known === undefined || known.reason === 'gang')
      this.#blocked.set(entry.class, { class: entry.class, reason, taskId: entry.taskId });
  }

  #finderFor(group: WaitingClass): Finder {
    const policy = this.#view.policyFor?.(group) ?? this.#policy;
    let finder = this.#finders.get(policy);
    if (finder === undefined) {
      finder = finderOf(policy, this.#cluster, { ...this.#view, cursor: this.#cursor });
      this.#finders.set(policy, finder);
    }
    return finder;
  }
}

/** That the worker was chosen with earlier failures in mind, for the timeline. */
function failureNote({ failedOn }: WaitingClass, workerId: string): string {
  if (failedOn.length === 0) return '';
  return failedOn.includes(workerId)
    ? '; failed here before, no other worker has room'
    : `; not ${failedOn.join(', ')}, where it failed`;
}
