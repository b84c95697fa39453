/**
 * The production engine in virtual time: this plays the loop, the network and the workers, the engine decides. Nothing
 * here knows a rule of scheduling. The scheduler sees what the live one sees, specs and reports; run times and later
 * arrivals stay in the event queue.
 */
import {
  type Change,
  type Command,
  DEFAULT_ENGINE_CONFIG,
  type Effect,
  type EndReason,
  Engine,
  type EngineConfig,
  isLive,
  isTerminal,
  type Reply,
  type ReportAttempt,
  type StartAttempt,
  type TaskSpec,
} from '@cloudai/engine';
import { Random } from '../random.ts';
import { type Job, specOf, type Workload } from '../workload/job.ts';
import { EventQueue } from './event-queue.ts';
import { LoadMeter } from './load-meter.ts';
import { endReport, foundAttempt, type LocalAttempt, ModelledWorker } from './modelled-worker.ts';
import type { JobRecord, Replay } from './record.ts';
import type { Scheduler } from './scheduler.ts';
import { IDEAL, type Outage, type Timing } from './timing.ts';

/** Virtual time begins here, so that Unix times look like some. */
const EPOCH_MS = 1_767_225_600_000;
/** Nobody is missed where no heartbeats are modelled. */
const NEVER_MS = 1e14;
/** Ends come before arrivals of the same moment, so that a scheduler sees all that is free then. */
const ENDS = 0;
const REST = 1;
const ARRIVALS = 2;

const PROGRESS_EVERY = 64;

type Happening =
  | { readonly kind: 'arrive'; readonly job: Job }
  | { readonly kind: 'received'; readonly worker: ModelledWorker; readonly start: StartAttempt }
  | {
      readonly kind: 'stopped';
      readonly worker: ModelledWorker;
      readonly taskId: string;
      readonly attempt: number;
      readonly reason: EndReason;
    }
  | { readonly kind: 'begin'; readonly worker: ModelledWorker; readonly local: LocalAttempt }
  | { readonly kind: 'finish'; readonly worker: ModelledWorker; readonly local: LocalAttempt }
  | {
      readonly kind: 'report';
      readonly worker: ModelledWorker;
      readonly session: number;
      readonly command: ReportAttempt;
    }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'leave'; readonly outage: Outage; readonly worker: ModelledWorker }
  | { readonly kind: 'return'; readonly worker: ModelledWorker };

export interface ReplayOptions {
  readonly scheduler: Scheduler;
  readonly timing?: Timing;
  readonly outages?: readonly Outage[];
  readonly seed?: number;
  readonly engine?: Partial<EngineConfig>;
  /** What a user would submit for a job; `specOf` unless something is to be tried. */
  readonly spec?: (job: Job) => TaskSpec;
  /** Told of the share of jobs that have ended, now and then. */
  readonly onProgress?: (share: number) => void;
  /** A clock in ms, for how long decisions take; without one that is not measured. */
  readonly clock?: () => number;
}

/** Replays a workload to its end and answers what became of every job. */
export function replay(workload: Workload, options: ReplayOptions): Replay {
  return new VirtualCluster(workload, options).run();
}

class VirtualCluster {
  readonly #engine: Engine;
  readonly #options: ReplayOptions;
  readonly #workload: Workload;
  readonly #timing: Timing;
  readonly #random: Random;
  readonly #events = new EventQueue<Happening>();
  readonly #workers: ReadonlyMap<string, ModelledWorker>;
  readonly #jobs = new Map<string, { readonly job: Job; readonly record: JobRecord; failuresLeft: number }>();
  readonly #meter: LoadMeter;
  readonly #decisions = { steps: 0, totalMs: 0, longestMs: 0 };
  #ended = 0;
  #now = EPOCH_MS;

  constructor(workload: Workload, options: ReplayOptions) {
    this.#workload = workload;
    this.#options = options;
    this.#timing = options.timing ?? IDEAL;
    this.#random = new Random(options.seed ?? 1);
    const silent = this.#timing.heartbeatMs === 0;
    this.#engine = new Engine({
      ...DEFAULT_ENGINE_CONFIG,
      ...(silent ? { suspectMs: NEVER_MS, lostMs: NEVER_MS, startGraceMs: NEVER_MS, passDelayMs: 0 } : {}),
      passPlacements: 100_000,
      ...options.engine,
    });
    this.#workers = new Map(workload.workers.map((model) => [model.id, new ModelledWorker(model)]));
    this.#meter = new LoadMeter(workload);
  }

  run(): Replay {
    this.#setUp();
    for (const job of this.#workload.jobs) this.#at(job.submitMs, { kind: 'arrive', job }, ARRIVALS);
    for (const outage of this.#options.outages ?? []) this.#planOutage(outage);
    if (this.#timing.heartbeatMs > 0) this.#at(this.#timing.heartbeatMs, { kind: 'heartbeat' });
    while (this.#ended < this.#workload.jobs.length && this.#step());
    return {
      scheduler: this.#options.scheduler.name,
      workload: this.#workload.name,
      jobs: this.#workload.jobs.map((job) => this.#jobs.get(job.id)!.record),
      samples: this.#meter.samples,
      capacity: this.#meter.capacity,
      decisions: { ...this.#decisions },
    };
  }

  /** Everything of the next moment. False when nothing more can happen. */
  #step(): boolean {
    const wanted = this.#engine.deadline() ?? Number.POSITIVE_INFINITY;
    const at = Math.min(this.#events.nextAt, Math.max(wanted, this.#now));
    if (at === Number.POSITIVE_INFINITY) return false;
    this.#now = Math.max(this.#now, at);
    // One batch, as the master's loop makes one: the scheduler looks once all of it is known.
    while (this.#events.nextAt <= this.#now) this.#happen(this.#events.take());
    const due = this.#engine.deadline();
    if (due !== null && due <= this.#now) this.#apply({ kind: 'tick' }, false);
    this.#meter.sample(this.#elapsed, this.#engine.counts().queued);
    return true;
  }

  get #elapsed(): number {
    return this.#now - EPOCH_MS;
  }

  #at(elapsedMs: number, event: Happening, rank = REST): void {
    this.#events.add(EPOCH_MS + elapsedMs, event, rank);
  }

  #happen(event: Happening): void {
    switch (event.kind) {
      case 'arrive':
        this.#arrive(event.job);
        return;
      case 'received':
        this.#receive(event.worker, event.start);
        return;
      case 'begin':
        this.#begin(event.worker, event.local);
        return;
      case 'finish':
        this.#finish(event.worker, event.local);
        return;
      case 'stopped':
        this.#stop(event.worker, event.taskId, event.attempt, event.reason);
        return;
      case 'report':
        if (event.worker.reachable && event.worker.session === event.session) this.#report(event.worker, event.command);
        return;
      case 'heartbeat':
        this.#heartbeat();
        return;
      case 'leave':
        this.#leave(event.worker, event.outage);
        return;
      case 'return':
        this.#connect(event.worker);
        return;
    }
  }

  // ---- the loop -----------------------------------------------------------------------------------

  #apply(command: Command, more = true): Reply {
    const { clock } = this.#options;
    const begun = clock?.() ?? 0;
    const { changes, effects, reply } = this.#engine.apply(command, this.#now, more);
    if (clock !== undefined) this.#measure(clock() - begun);
    for (const change of changes) this.#follow(change);
    for (const effect of effects) this.#carryOut(effect);
    return reply;
  }

  #follow(change: Change): void {
    if (change.kind === 'attempt') {
      if (isLive(change.row.state)) this.#meter.allocated(change.row);
      else this.#meter.released(change.row);
    }
    if (change.kind !== 'task' || !isTerminal(change.row.state)) return;
    const { record } = this.#jobs.get(change.row.id)!;
    if (record.endMs !== null) return;
    record.endMs = this.#elapsed;
    record.completed = change.row.state === 'completed';
    this.#ended++;
    const total = this.#workload.jobs.length;
    if (this.#ended % PROGRESS_EVERY === 0 || this.#ended === total) this.#options.onProgress?.(this.#ended / total);
  }

  #measure(ms: number): void {
    this.#decisions.steps++;
    this.#decisions.totalMs += ms;
    if (ms > this.#decisions.longestMs) this.#decisions.longestMs = ms;
  }

  #carryOut(effect: Effect): void {
    const worker = this.#workers.get(effect.workerId)!;
    const at = this.#elapsed + this.#timing.decisionMs + this.#timing.dispatchMs;
    switch (effect.kind) {
      case 'startAttempt':
        this.#at(at, { kind: 'received', worker, start: effect });
        return;
      case 'stopAttempt': {
        const { taskId, attempt, reason } = effect;
        this.#at(at + this.#timing.stopMs, { kind: 'stopped', worker, taskId, attempt, reason });
        return;
      }
      case 'closeSession':
        return;
    }
  }

  // ---- the cluster --------------------------------------------------------------------------------

  #setUp(): void {
    this.#expect({ kind: 'recover', epoch: 1 });
    for (const command of this.#options.scheduler.commands) this.#expect(command);
    for (const worker of this.#workers.values()) {
      const workerId = worker.id;
      const joinTokenHash = `hash-${workerId}`;
      this.#expect({
        kind: 'registerWorker',
        workerId,
        address: null,
        joinTokenHash,
        joinTokenExpiresAt: this.#now + 60_000,
        renew: false,
        by: 'simulator',
      });
      this.#expect({ kind: 'joinWorker', workerId, joinTokenHash, certificateSerial: workerId });
      if (Object.keys(worker.model.labels).length > 0)
        this.#expect({ kind: 'labelWorker', workerId, set: worker.model.labels, remove: [], by: 'simulator' });
      this.#connect(worker);
    }
  }

  #expect(command: Command): void {
    const reply = this.#apply(command);
    if (!reply.ok) throw new Error(`${command.kind} was refused: ${reply.message}`);
  }

  #connect(worker: ModelledWorker): void {
    worker.reachable = true;
    const reply = this.#apply({
      kind: 'connectWorker',
      workerId: worker.id,
      certificateSerial: worker.id,
      incarnation: `${worker.id}-${worker.incarnation}`,
      version: 'simulated',
      remoteAddress: null,
      capacity: worker.model.capacity,
      labels: {},
      found: [...worker.attempts.values()].map((local) => foundAttempt(local, EPOCH_MS)),
      unhealthy: null,
    });
    if (!reply.ok || reply.kind !== 'connected') throw new Error(`worker ${worker.id} could not connect`);
    worker.session = reply.session;
    for (const { taskId, attempt } of reply.abandon) this.#drop(worker, taskId, attempt);
    // What ended behind its back is told now.
    for (const local of [...worker.attempts.values()]) if (local.phase === 'ended') this.#tellEnd(worker, local);
  }

  #heartbeat(): void {
    for (const worker of this.#workers.values()) {
      if (!worker.reachable) continue;
      const command = {
        kind: 'heartbeatWorker',
        workerId: worker.id,
        session: worker.session,
        unhealthy: null,
      } as const;
      if (!this.#engine.hear(command, this.#now)) this.#apply(command);
    }
    this.#at(this.#elapsed + this.#timing.heartbeatMs, { kind: 'heartbeat' });
  }

  #planOutage(outage: Outage): void {
    const worker = this.#workers.get(outage.workerId);
    if (worker === undefined) throw new Error(`an outage is planned of ${outage.workerId}, which is no worker`);
    this.#at(outage.fromMs, { kind: 'leave', outage, worker });
    this.#at(outage.toMs, { kind: 'return', worker });
  }

  #leave(worker: ModelledWorker, outage: Outage): void {
    worker.reachable = false;
    if (!outage.partition) for (const local of worker.crash()) this.#endRun(worker, local, false);
    this.#apply({ kind: 'disconnectWorker', workerId: worker.id, session: worker.session });
  }

  // ---- a job's way --------------------------------------------------------------------------------

  #arrive(job: Job): void {
    const record: JobRecord = {
      jobId: job.id,
      user: job.user,
      submitMs: job.submitMs,
      startMs: null,
      endMs: null,
      completed: false,
      runs: [],
    };
    this.#jobs.set(job.id, { job, record, failuresLeft: job.failures.length });
    const spec = (this.#options.spec ?? specOf)(job);
    const reply = this.#apply({
      kind: 'submitTasks',
      namespace: 'default',
      owner: job.user,
      tasks: [{ id: job.id, name: null, spec, retryOf: null }],
      job: null,
      idempotency: null,
      knownOutcomes: {},
    });
    if (!reply.ok) throw new Error(`job ${job.id} was refused: ${reply.message}`);
  }

  #receive(worker: ModelledWorker, start: StartAttempt): void {
    if (!worker.reachable || worker.session !== start.session) return;
    const known = worker.attempts.get(start.taskId);
    if (known !== undefined && known.number >= start.attempt) return;
    const { job } = this.#jobs.get(start.taskId)!;
    const local: LocalAttempt = {
      taskId: start.taskId,
      number: start.attempt,
      job,
      gpus: start.gpus,
      phase: 'starting',
      startedAt: null,
      endsAt: Number.POSITIVE_INFINITY,
      outcome: 'exit_zero',
      stopReason: null,
    };
    worker.attempts.set(start.taskId, local);
    const { startMinMs, startMaxMs } = this.#timing;
    const pulled = worker.imageReadyAt(job.image, this.#elapsed, this.#timing);
    const startMs = startMaxMs === 0 ? 0 : Math.round(this.#random.between(startMinMs, startMaxMs));
    if (pulled + startMs === this.#elapsed) {
      this.#begin(worker, local);
      return;
    }
    this.#tell(worker, local, { phase: 'starting', progress: null });
    this.#at(pulled + startMs, { kind: 'begin', worker, local });
  }

  #begin(worker: ModelledWorker, local: LocalAttempt): void {
    if (worker.attempts.get(local.taskId) !== local || local.stopReason !== null) return;
    const entry = this.#jobs.get(local.taskId)!;
    const { job, record } = entry;
    const fails = entry.failuresLeft > 0;
    const share = fails ? job.failures[job.failures.length - entry.failuresLeft]! : 1;
    if (fails) entry.failuresLeft--;
    local.phase = 'running';
    local.startedAt = this.#elapsed;
    local.outcome = fails ? 'exit_nonzero' : 'exit_zero';
    local.endsAt = this.#elapsed + Math.max(fails ? 1 : 0, Math.round((job.runMs * share) / worker.model.speed));
    record.startMs ??= this.#elapsed;
    this.#tell(worker, local, {
      phase: 'running',
      startedAt: this.#now,
      containerId: `${local.taskId}.${local.number}`,
      imageDigest: null,
    });
    this.#at(local.endsAt, { kind: 'finish', worker, local }, ENDS);
  }

  #finish(worker: ModelledWorker, local: LocalAttempt): void {
    if (worker.attempts.get(local.taskId) !== local || local.phase !== 'running') return;
    this.#endRun(worker, local, local.outcome === 'exit_zero');
    local.phase = 'ended';
    this.#tellEnd(worker, local);
  }

  #stop(worker: ModelledWorker, taskId: string, attempt: number, reason: EndReason): void {
    const local = worker.attempts.get(taskId);
    if (local === undefined || local.number !== attempt || local.phase === 'ended') return;
    if (local.phase === 'running') this.#endRun(worker, local, false);
    local.phase = 'ended';
    local.outcome = 'stopped';
    local.stopReason = reason;
    this.#tellEnd(worker, local);
  }

  /** The master wants nothing more of it. */
  #drop(worker: ModelledWorker, taskId: string, attempt: number): void {
    const local = worker.attempts.get(taskId);
    if (local === undefined || local.number !== attempt) return;
    if (local.phase === 'running') this.#endRun(worker, local, false);
    worker.attempts.delete(taskId);
  }

  #endRun(worker: ModelledWorker, local: LocalAttempt, succeeded: boolean): void {
    if (local.startedAt === null) return;
    const { record } = this.#jobs.get(local.taskId)!;
    record.runs.push({
      workerId: worker.id,
      gpus: local.gpus,
      startMs: local.startedAt,
      endMs: this.#elapsed,
      succeeded,
    });
  }

  #tellEnd(worker: ModelledWorker, local: LocalAttempt): void {
    this.#tell(worker, local, endReport(local, EPOCH_MS, this.#now));
  }

  /** The master has it; an end that it knows needs no keeping. */
  #report(worker: ModelledWorker, command: ReportAttempt): void {
    this.#apply(command);
    const local = worker.attempts.get(command.taskId);
    if (command.report.phase === 'ended' && local?.number === command.attempt) worker.attempts.delete(command.taskId);
  }

  #tell(worker: ModelledWorker, local: LocalAttempt, report: ReportAttempt['report']): void {
    if (!worker.reachable) return;
    const { session } = worker;
    const { taskId, number } = local;
    const command = {
      kind: 'reportAttempt',
      workerId: worker.id,
      session,
      taskId,
      attempt: number,
      report,
    } as const;
    if (this.#timing.reportMs === 0) this.#report(worker, command);
    else this.#at(this.#elapsed + this.#timing.reportMs, { kind: 'report', worker, session, command });
  }
}
