/**
 * A cluster to which anything may happen: each move is three numbers, turned into a command by looking at the state.
 * Workers report, lie, repeat themselves, vanish and come back with or without their containers; users submit, cancel
 * and change their minds; masters restart. After every command the invariants are checked.
 */
import type { Change } from '../change.ts';
import type { Command, CommitPlan, NewTask, Reply } from '../command.ts';
import { DEFAULT_ENGINE_CONFIG, type EngineConfig } from '../config.ts';
import { Engine } from '../engine.ts';
import { type Attempt, isLive } from '../model/attempt.ts';
import { isTerminal, type Task } from '../model/task.ts';
import { isGangMember, mindsOthers } from '../model/terms.ts';
import type { Worker } from '../model/worker.ts';
import { BACKFILLS, orderingPolicies } from '../policy/ordering-registry.ts';
import { placementPolicies } from '../policy/registry.ts';
import { capacity, hello, resources, result, spec } from './builders.ts';
import { hashState } from './canonical.ts';
import { foundOf, REASONS, specOptions, WORKERS } from './chaos-specs.ts';
import { register } from './cluster.ts';
import { agentOf, heldUp } from './external-schedulers.ts';
import { SnapshotSink } from './snapshot-sink.ts';

/** What happens, to whom, how: each taken modulo what there is. */
export type Move = readonly [what: number, who: number, how: number];

const CAPACITIES = [
  capacity({ cpu: 4, memory: 8 }),
  capacity({ cpu: 2, memory: 4, gpu: 2 }),
  capacity({ cpu: 8, memory: 2, custom: { licence: 2 } }),
  capacity({ cpu: 1, memory: 1 }),
];
/** Small figures, so that a short sequence meets every limit. */
const CONFIG: EngineConfig = {
  ...DEFAULT_ENGINE_CONFIG,
  infraRetries: 3,
  poisonWorkers: 2,
  maxWaitingTasks: 25,
  endedMemoryMs: 60_000,
  endedMemoryTasks: 12,
  passPlacements: 3,
  idempotencyMs: 120_000,
};

export class Chaos {
  readonly sink = new SnapshotSink({ keepEvents: false });
  readonly log: { readonly command: Command; readonly now: number }[] = [];
  /** Moves between states and codes of refusals met so far. */
  readonly seen: Set<string>;
  engine = new Engine(CONFIG);
  now = 1_000_000;
  #epoch = 0;
  #ids = 0;

  constructor(seen = new Set<string>()) {
    this.seen = seen;
    this.#apply({ kind: 'recover', epoch: ++this.#epoch });
    this.#apply({ kind: 'putNamespace', name: 'small', quota: resources({ cpu: 3, memory: 3, gpu: 1 }), by: 'admin' });
    for (const id of WORKERS.slice(0, 3)) this.#admit(id);
    for (const id of WORKERS.slice(0, 2)) this.#connect(id, 0);
  }

  move([what, who, how]: Move): void {
    const kinds = MOVES;
    const move = kinds[what % kinds.length]!;
    move(this, who, how);
  }

  /** The state as a store would have it after a restart must be the one in memory. */
  restart(): void {
    const fresh = new Engine(CONFIG, this.sink.snapshot());
    this.#apply({ kind: 'recover', epoch: ++this.#epoch });
    fresh.apply({ kind: 'recover', epoch: this.#epoch }, this.now);
    fresh.check();
    const [expected, found] = [hashState(this.engine), hashState(fresh)];
    if (expected !== found) throw new Error(`after a reload the state is ${found} instead of ${expected}`);
    this.engine = fresh;
  }

  /** The same commands once more, without the restarts in between: has to end in the same state. */
  replay(): string {
    const engine = new Engine(CONFIG);
    for (const { command, now } of this.log) engine.apply(command, now);
    return hashState(engine);
  }

  /**
   * The faults stop: everybody who may connects and does honest work. Within five minutes of the cluster's time each
   * task has ended or waits for something that a person has to change (I15, I24).
   */
  heal(): void {
    // What a strict order keeps waiting, or what is promised, waits for good reason.
    const settings = { backfill: 'greedy', starvationMs: null } as const;
    this.#apply({ kind: 'useScheduler', settings, by: 'admin' });
    this.#apply({ kind: 'putNamespace', name: 'small', quota: null, by: 'admin' });
    const end = this.now + 300_000;
    for (let open = this.#unsettled(); open !== null; open = this.#unsettled()) {
      if (this.now >= end) throw new Error(`task ${open.id} is ${open.state} for no reason: ${open.message}`);
      for (const worker of this.engine.workers()) this.#rejoin(worker);
      this.heartbeats();
      for (const { id } of this.engine.workers())
        for (const attempt of this.engine.liveAttempts(id)) this.#work(attempt);
      const before = this.now;
      this.follow();
      if (this.now === before) this.now += 1_000;
    }
  }

  /** A task that time and honest work alone should bring further. */
  #unsettled(): Task | null {
    for (const task of this.engine.snapshot().tasks) {
      if (this.engine.attempts(task.id).some((attempt) => isLive(attempt.state))) return task;
      if (isTerminal(task.state)) continue;
      const { workers } = this.engine.explain(task.id, this.now)!;
      const stranded =
        task.state === 'queued' &&
        (workers.every((worker) => worker.obstacles.length > 0) || this.#waitsForOthers(task));
      const waits = task.state === 'pending' && task.waitsFor.length > 0;
      if (!stranded && !waits) return task;
      if (this.engine.workers().some((worker) => mayConnect(worker) && (!worker.connected || worker.drain !== null)))
        return task;
    }
    return null;
  }

  /** Its gang may not fit together, or there may be no worker with the right tasks on it. */
  #waitsForOthers({ spec, jobId }: Task): boolean {
    return mindsOthers(spec) || (isGangMember(spec) && jobId !== null);
  }

  #rejoin(worker: Worker): void {
    const { id, connected, drain, incarnation, certificateSerial } = worker;
    if (drain !== null) this.#apply({ kind: 'drainWorker', workerId: id, drain: null, by: 'admin' });
    if (connected || !mayConnect(worker)) return;
    const found = this.engine.liveAttempts(id).map(({ taskId, number, startedAt }) => {
      const phase = startedAt === null ? 'starting' : 'running';
      return { taskId, attempt: number, phase, startedAt } as const;
    });
    const offer = CAPACITIES[WORKERS.indexOf(id)]!;
    this.#apply(
      hello(id, offer, { certificateSerial: certificateSerial!, incarnation: incarnation ?? 'process-0', found }),
    );
  }

  #work(attempt: Attempt): void {
    const { session, connected } = this.engine.worker(attempt.workerId)!;
    if (!connected) return;
    const reason = attempt.stopReason === 'stuck' ? 'exit_nonzero' : (attempt.stopReason ?? 'exit_zero');
    const ended = { phase: 'ended', reason, result: result(reason === 'exit_zero' ? 0 : 1, this.now) } as const;
    const running = { phase: 'running', startedAt: this.now, containerId: 'c', imageDigest: null } as const;
    const report = attempt.startedAt === null && attempt.stopReason === null ? running : ended;
    const { workerId, taskId, number } = attempt;
    this.#apply({ kind: 'reportAttempt', workerId, session, taskId, attempt: number, report });
  }

  #apply(command: Command): Reply {
    this.log.push({ command, now: this.now });
    const lease = this.engine.lease();
    const { changes, reply } = this.engine.apply(command, this.now);
    if (lease !== null && lease.until > this.now) heldUp(command, changes, lease.agent);
    this.#cover(changes, reply);
    this.sink.fold(changes);
    this.engine.check();
    return reply;
  }

  /** Notes which moves and refusals this command brought. */
  #cover(changes: readonly Change[], reply: Reply): void {
    if (!reply.ok) this.seen.add(reply.code);
    for (const change of changes) {
      if (change.kind === 'task') this.#moved('task', this.sink.tasks.get(change.row.id)?.state, change.row.state);
      if (change.kind === 'event' && change.row.kind === 'task_preempted')
        this.seen.add(change.row.message?.includes('gang') === true ? 'gang called back' : 'room made');
      if (change.kind === 'worker')
        this.#moved('worker', this.sink.workers.get(change.row.id)?.state, change.row.state);
      if (change.kind === 'attempt') {
        const { taskId, number, state } = change.row;
        this.#moved('attempt', this.sink.attempts.get(`${taskId}/${number}`)?.state, state);
      }
    }
  }

  #moved(what: string, from: string | undefined, to: string): void {
    if (from !== undefined && from !== to) this.seen.add(`${what} ${from} → ${to}`);
  }

  #admit(id: string, how = 1): void {
    this.#apply(register(id, this.now, how % 5 !== 0));
    const joinTokenHash = how % 7 === 0 ? 'guessed' : `hash-${id}`;
    this.#apply({ kind: 'joinWorker', workerId: id, joinTokenHash, certificateSerial: `serial-${id}` });
    if (how % 11 !== 0) return;
    const renews = this.engine.worker(id)?.certificateSerial ?? 'none';
    this.#apply({ kind: 'renewWorker', workerId: id, certificateSerial: `serial-${id}-${how % 2}`, renews });
  }

  #worker(who: number): Worker | null {
    return this.engine.worker(WORKERS[who % WORKERS.length]!);
  }

  #task(who: number): Task | null {
    const tasks = this.engine.snapshot().tasks;
    return tasks.length === 0 ? null : tasks[who % tasks.length]!;
  }

  #live(who: number): Attempt | null {
    const attempts = this.engine.snapshot().attempts.filter((attempt) => isLive(attempt.state));
    return attempts.length === 0 ? null : attempts[who % attempts.length]!;
  }

  #connect(id: string, how: number): void {
    const at = WORKERS.indexOf(id);
    const incarnation = `process-${how % 3}`;
    const offer = CAPACITIES[how % 7 === 6 ? (at + 1) % CAPACITIES.length : at]!;
    const found = this.engine.liveAttempts(id).flatMap((attempt, n) => foundOf(attempt, how + n));
    if (how % 5 === 4) found.push({ taskId: 'nobody', attempt: 1, phase: 'running', startedAt: this.now });
    const old = this.engine.snapshot().attempts.find((attempt) => attempt.workerId === id && !isLive(attempt.state));
    if (how % 4 === 3 && old !== undefined)
      found.push({
        taskId: old.taskId,
        attempt: old.number,
        phase: how % 2 === 0 ? 'ended' : 'running',
        startedAt: null,
      });
    const certificateSerial = how % 13 === 0 ? 'old' : (this.engine.worker(id)?.certificateSerial ?? 'none');
    const unhealthy = how % 11 === 10 ? 'Docker is down' : null;
    this.#apply(hello(id, offer, { certificateSerial, incarnation, found, unhealthy }));
  }

  submit(who: number, how: number): void {
    const count = 1 + (how % 3);
    const tasks: NewTask[] = [];
    for (let n = 0; n < count; n++) {
      const id = `t${++this.#ids}`;
      const options = specOptions(who + n, how, this.now);
      const parent = who % 4 === 0 ? this.#task(how)?.id : undefined;
      const dependsOn = [
        ...(parent === undefined ? [] : [parent]),
        ...(n > 0 && how % 2 === 0 ? [tasks[n - 1]!.id] : []),
      ];
      tasks.push({ id, name: null, spec: spec({ ...options, dependsOn }), retryOf: null });
    }
    const key = `key-${who % 5}`;
    this.#apply({
      kind: 'submitTasks',
      namespace: who % 3 === 0 ? 'small' : 'default',
      owner: 'ann',
      tasks,
      job: count === 3 ? { id: `job-${tasks[0]!.id}`, name: null } : null,
      idempotency: how % 6 === 0 ? { key, bodyHash: `body-${how % 12}` } : null,
      knownOutcomes: {},
    });
  }

  cancel(who: number): void {
    const taskId = who % 2 === 0 ? this.#task(who)?.id : this.#live(who)?.taskId;
    this.#apply({ kind: 'cancelTask', taskId: taskId ?? 'nobody', by: 'ann', message: null });
  }

  setPriority(who: number, how: number): void {
    const task = this.#task(who);
    this.#apply({ kind: 'setPriority', taskId: task?.id ?? 'nobody', priority: how % 102, by: 'ann' });
  }

  /** The next thing that an honest worker would say. */
  report(who: number, how: number): void {
    const attempt = this.#live(who);
    if (attempt === null) return;
    const session = this.engine.worker(attempt.workerId)!.session;
    this.#report(
      attempt,
      session,
      attempt.state === 'assigned' ? how % 3 : attempt.state === 'starting' ? 1 + (how % 2) : 2,
      how,
    );
  }

  /** Anything about anything. */
  babble(who: number, how: number): void {
    const all = this.engine.snapshot().attempts;
    if (all.length === 0) return;
    const attempt = all[who % all.length]!;
    const { session } = this.engine.worker(attempt.workerId)!;
    const wrong = how % 4 === 0 ? { ...attempt, workerId: WORKERS[how % WORKERS.length]! } : attempt;
    this.#report(wrong, session - (how % 5 === 0 ? 1 : 0), how % 3, how);
  }

  #report({ workerId, taskId, number }: Attempt, session: number, phase: number, how: number): void {
    const reason = REASONS[how % REASONS.length]!;
    const exitCode = reason === 'exit_zero' ? 0 : 1 + (how % 3);
    const report = [
      { phase: 'starting', progress: how % 2 === 0 ? null : `${how % 10} MB` },
      {
        phase: 'running',
        startedAt: this.now - (how % 100_000),
        containerId: 'c',
        imageDigest: how % 2 === 0 ? null : 'sha256:1',
      },
      { phase: 'ended', reason, result: result(exitCode, this.now) },
    ] as const;
    this.#apply({ kind: 'reportAttempt', workerId, session, taskId, attempt: number, report: report[phase % 3]! });
  }

  connect(who: number, how: number): void {
    this.#connect(WORKERS[who % WORKERS.length]!, how);
  }

  heartbeat(who: number, how: number): void {
    const worker = this.#worker(who);
    const unhealthy = how % 9 === 0 ? 'disk full' : null;
    const session = (worker?.session ?? 0) - (how % 7 === 0 ? 1 : 0);
    this.#apply({ kind: 'heartbeatWorker', workerId: WORKERS[who % WORKERS.length]!, session, unhealthy });
  }

  /** Everybody who is connected is heard of: without this no worker would ever live long. */
  heartbeats(): void {
    for (const { id, session, connected } of this.engine.workers())
      if (connected) this.#apply({ kind: 'heartbeatWorker', workerId: id, session, unhealthy: null });
  }

  disconnect(who: number): void {
    const worker = this.#worker(who);
    if (worker !== null) this.#apply({ kind: 'disconnectWorker', workerId: worker.id, session: worker.session });
  }

  drain(who: number, how: number): void {
    const worker = this.#worker(who);
    const deadlineAt = how % 2 === 0 ? null : this.now + (how % 20_000);
    const drain = how % 3 === 0 ? null : { deadlineAt, reason: null };
    this.#apply({ kind: 'drainWorker', workerId: worker?.id ?? 'nobody', drain, by: 'admin' });
  }

  label(who: number, how: number): void {
    const workerId = WORKERS[who % WORKERS.length]!;
    const set = how % 2 === 0 ? { zone: how % 4 === 0 ? 'a' : 'b' } : {};
    this.#apply({ kind: 'labelWorker', workerId, set, remove: how % 2 === 1 ? ['zone'] : [], by: 'admin' });
  }

  membership(who: number, how: number): void {
    const workerId = WORKERS[who % WORKERS.length]!;
    if (how % 3 === 0) this.#apply({ kind: 'unregisterWorker', workerId, by: 'admin', force: how % 2 === 0 });
    else this.#admit(workerId, how);
  }

  plan(who: number, how: number): void {
    const waiting = this.engine.snapshot().tasks.filter((task) => task.state === 'queued');
    const some = [this.#task(who), ...waiting.slice(how % 3, 3)].filter((task) => task !== null);
    const assignments = some.map((task, n) => ({ taskId: task.id, workerId: WORKERS[(how + n) % WORKERS.length]! }));
    if (who % 3 === 0) this.#apply({ kind: 'commitPlan', planner: 'test', assignments });
    else this.#answer(who, how, assignments);
  }

  /** External schedulers ask and answer, in time or late, from a fresh or a stale state. */
  fetch(who: number): void {
    this.#apply({ kind: 'leaseScheduler', agent: agentOf(who) });
  }

  #answer(who: number, how: number, assignments: CommitPlan['assignments']): void {
    const agent = agentOf(who);
    const sequence = this.engine.cluster().eventSequence - (how % 5 === 0 ? 40 : 0) + (how % 17 === 0 ? 1 : 0);
    this.#apply({ kind: 'commitPlan', planner: `external:${agent}`, assignments, claim: { agent, sequence } });
  }

  tenancy(who: number, how: number): void {
    const quota = how % 4 === 0 ? null : resources({ cpu: how % 5, memory: how % 6, gpu: 1 });
    this.#apply({ kind: 'putNamespace', name: 'small', quota, by: 'admin' });
    const names = ['round-robin', 'greedy', 'balanced', 'external', 'external', 'nonsense'];
    if (who % 3 === 0) this.#apply({ kind: 'useScheduler', placement: names[how % names.length]!, by: 'admin' });
    if (who % 7 === 0)
      this.#apply({ kind: 'putUser', name: 'ann', role: 'user', namespaces: [], disabled: false, by: 'admin' });
  }

  /** Any policy, order, backfilling and scope, with preemption or without. */
  scheduler(who: number, how: number): void {
    const policies = placementPolicies();
    const orders = orderingPolicies();
    const scopes = [null, null, { kind: 'namespace', name: 'small' }, { kind: 'pool', name: 'a' }] as const;
    const scope = scopes[who % scopes.length]!;
    const placement = how % 5 === 4 ? null : policies[who % policies.length]!.name;
    const settings = {
      ordering: who % 3 === 0 ? null : orders[how % orders.length]!.name,
      backfill: BACKFILLS[(who + how) % BACKFILLS.length]!,
      starvationMs: [null, 1, 20_000][how % 3]!,
      preemption: how % 4 !== 0,
    };
    this.#apply({ kind: 'useScheduler', by: 'admin', placement, scope, ...(scope === null ? { settings } : {}) });
  }

  pass(how: number): void {
    this.now += STEPS[how % STEPS.length]!;
    this.#apply({ kind: 'tick' });
  }

  /** To the next deadline, as the loop would. */
  follow(): void {
    const due = this.engine.deadline();
    if (due !== null) this.now = Math.max(this.now, Math.min(due, this.now + 5_000));
    this.#apply({ kind: 'tick' });
  }
}

/** Mostly short; now and then long enough for each time-out. */
const STEPS = [0, 0, 1, 2, 2, 5, 10, 100, 100, 500, 1_000, 1_000, 2_000, 5_000, 13_000, 31_000, 61_000];

function mayConnect({ state, certificateSerial }: Worker): boolean {
  return state !== 'revoked' && certificateSerial !== null;
}

type Mover = (chaos: Chaos, who: number, how: number) => void;

/** As often as each is listed. */
const MOVES: readonly Mover[] = [
  ...repeat(5, (chaos, who, how) => chaos.submit(who, how)),
  ...repeat(2, (chaos, who) => chaos.cancel(who)),
  ...repeat(1, (chaos, who, how) => chaos.setPriority(who, how)),
  ...repeat(8, (chaos, who, how) => chaos.report(who, how)),
  ...repeat(3, (chaos, who, how) => chaos.babble(who, how)),
  ...repeat(2, (chaos, who, how) => chaos.connect(who, how)),
  ...repeat(1, (chaos, who, how) => chaos.heartbeat(who, how)),
  ...repeat(5, (chaos) => chaos.heartbeats()),
  ...repeat(1, (chaos, who) => chaos.disconnect(who)),
  ...repeat(1, (chaos, who, how) => chaos.drain(who, how)),
  ...repeat(1, (chaos, who, how) => chaos.label(who, how)),
  ...repeat(1, (chaos, who, how) => chaos.membership(who, how)),
  ...repeat(2, (chaos, who, how) => chaos.plan(who, how)),
  ...repeat(2, (chaos, who) => chaos.fetch(who)),
  ...repeat(1, (chaos, who, how) => chaos.tenancy(who, how)),
  ...repeat(1, (chaos, who, how) => chaos.scheduler(who, how)),
  ...repeat(4, (chaos, _who, how) => chaos.pass(how)),
  ...repeat(3, (chaos) => chaos.follow()),
  ...repeat(1, (chaos, who) => (who % 4 === 0 ? chaos.restart() : chaos.follow())),
];

function repeat(times: number, move: Mover): Mover[] {
  return Array.from({ length: times }, () => move);
}
