/**
 * A cluster for tests: an engine, its store in miniature, a clock that only moves when told, and workers that do what
 * the case says. Every command is followed by a full check of the invariants, and effects that nobody looked at fail
 * the case.
 */
import type { EventKind } from '../change.ts';
import type { Command, NewTask, Reply, SubmitTasks } from '../command.ts';
import { DEFAULT_ENGINE_CONFIG, type EngineConfig } from '../config.ts';
import type { Effect } from '../effect.ts';
import { Engine } from '../engine.ts';
import type { Attempt } from '../model/attempt.ts';
import type { Resources } from '../model/resources.ts';
import type { Task } from '../model/task.ts';
import type { Worker } from '../model/worker.ts';
import { type Amounts, capacity, hello, type SpecOptions, spec } from './builders.ts';
import { SnapshotSink } from './snapshot-sink.ts';
import { TestWorker } from './worker.ts';

/** Any time will do; this one is easy to read in a failure. */
export const START = 1_000_000_000_000;
const HEARTBEAT_MS = 5_000;

/** Wraps a case: builds the cluster, runs the case, complains about effects that it did not look at. */
export function scenario(body: (cluster: TestCluster) => void, config: Partial<EngineConfig> = {}): () => void {
  return () => {
    const cluster = new TestCluster(config);
    body(cluster);
    const left = cluster.effects();
    if (left.length > 0) throw new Error(`nobody looked at these effects:\n  ${left.join('\n  ')}`);
  };
}

export interface SubmitOptions extends SpecOptions {
  readonly id?: string;
  readonly namespace?: string;
  readonly name?: string | null;
}

export class TestCluster {
  readonly config: EngineConfig;
  readonly sink = new SnapshotSink();
  readonly commands: { readonly command: Command; readonly now: number }[] = [];
  engine: Engine;
  now = START;
  #workers: TestWorker[] = [];
  #effects: Effect[] = [];
  #tasks = 0;
  #epoch = 1;

  constructor(config: Partial<EngineConfig> = {}) {
    this.config = { ...DEFAULT_ENGINE_CONFIG, ...config };
    this.engine = new Engine(this.config);
    this.apply({ kind: 'recover', epoch: 1 });
  }

  /** Applies a command and, as nothing waits for it in a test, the schedule pass that it made possible. */
  apply(command: Command): Reply {
    const reply = this.applyAlone(command);
    this.settle();
    return reply;
  }

  /** Applies a command and nothing else. */
  applyAlone(command: Command): Reply {
    this.commands.push({ command, now: this.now });
    const { changes, effects, reply } = this.engine.apply(command, this.now);
    this.sink.fold(changes);
    this.#effects.push(...effects);
    this.engine.check();
    return reply;
  }

  /** Ticks at once as long as the engine wants it within the pace of the schedule pass. */
  settle(): void {
    for (
      let due = this.engine.deadline();
      due !== null && due <= this.now + this.config.passDelayMs;
      due = this.engine.deadline()
    ) {
      this.now = Math.max(this.now, due);
      this.applyAlone({ kind: 'tick' });
    }
  }

  /** Lets time pass; the engine gets every tick it asks for, workers that are not silent their heartbeats. */
  advance(ms: number): void {
    const end = this.now + ms;
    let heartbeat = this.now + HEARTBEAT_MS;
    for (;;) {
      const due = this.engine.deadline() ?? Number.POSITIVE_INFINITY;
      const next = Math.min(due, heartbeat);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      if (heartbeat <= this.now) {
        heartbeat += HEARTBEAT_MS;
        for (const worker of this.#workers) if (worker.alive) worker.heartbeat();
      }
      if (due <= this.now) this.applyAlone({ kind: 'tick' });
    }
    this.now = end;
  }

  // ---- what people do ---------------------------------------------------------------------------

  /** Expects the submit to be taken and returns the id. */
  submit(options: SubmitOptions = {}): string {
    const reply = this.trySubmit(options);
    if (!reply.ok) throw new Error(`submit refused: ${reply.message}`);
    return reply.kind === 'submitted' ? reply.taskIds[0]! : '';
  }

  trySubmit({ id = this.nextId(), namespace = 'default', name = null, ...options }: SubmitOptions = {}): Reply {
    return this.trySubmitAll([{ id, name, spec: spec(options), retryOf: null }], { namespace });
  }

  trySubmitAll(tasks: readonly NewTask[], rest: Partial<SubmitTasks> = {}): Reply {
    return this.apply({
      kind: 'submitTasks',
      namespace: 'default',
      owner: 'ann',
      tasks,
      job: null,
      idempotency: null,
      knownOutcomes: {},
      ...rest,
    });
  }

  nextId(): string {
    this.#tasks += 1;
    return `t${this.#tasks}`;
  }

  cancel(taskId: string): Reply {
    return this.apply({ kind: 'cancelTask', taskId, by: 'ann', message: null });
  }

  /** A registered worker that has joined and not connected. */
  joined(id: string, amounts: Amounts): TestWorker {
    this.#expectOk(this.apply(register(id, this.now)));
    this.#expectOk(
      this.apply({ kind: 'joinWorker', workerId: id, joinTokenHash: `hash-${id}`, certificateSerial: `serial-${id}` }),
    );
    const worker = new TestWorker(this, hello(id, capacity(amounts)));
    this.#workers.push(worker);
    return worker;
  }

  /** A worker that is connected and sends heartbeats. */
  worker(id: string, amounts: Amounts): TestWorker {
    const worker = this.joined(id, amounts);
    this.#expectOk(worker.connect());
    return worker;
  }

  /** The master dies and another one starts from what was stored. */
  restart(): void {
    this.engine = new Engine(this.config, this.sink.snapshot());
    this.#epoch += 1;
    for (const worker of this.#workers) worker.alive = false;
    this.apply({ kind: 'recover', epoch: this.#epoch });
  }

  // ---- what can be seen -------------------------------------------------------------------------

  /** The effects since the last call, as text: `start t1/1 on w1`, `stop t1/1 on w1: evicted`, `close w1/1: fenced`. */
  effects(): string[] {
    return this.takeEffects().map(describe);
  }

  takeEffects(): Effect[] {
    const taken = this.#effects;
    this.#effects = [];
    return taken;
  }

  task(id: string): Task {
    const task = this.engine.task(id);
    if (task === null) throw new Error(`task ${id} is not in memory`);
    return task;
  }

  /** `running`, or `failed(oom)` once it has ended. */
  state(id: string): string {
    const { state, reason } = this.task(id);
    return reason === null ? state : `${state}(${reason})`;
  }

  /** The newest attempt. */
  attempt(id: string): Attempt {
    const attempt = this.engine.attempts(id).at(-1);
    if (attempt === undefined) throw new Error(`task ${id} has no attempt`);
    return attempt;
  }

  row(workerId: string): Worker {
    const worker = this.engine.worker(workerId);
    if (worker === null) throw new Error(`worker ${workerId} is not known`);
    return worker;
  }

  allocated(workerId: string): Resources {
    return this.engine.allocated(workerId)!;
  }

  available(workerId: string): Resources {
    return this.engine.available(workerId)!;
  }

  /** Kinds of the events of a task or a worker, in order. */
  timeline(about: string): EventKind[] {
    return this.sink.events
      .filter((event) => event.taskId === about || event.workerId === about)
      .map((event) => event.kind);
  }

  #expectOk(reply: Reply): void {
    if (!reply.ok) throw new Error(`refused: ${reply.message}`);
  }
}

export function register(workerId: string, now: number, renew = false): Extract<Command, { kind: 'registerWorker' }> {
  return {
    kind: 'registerWorker',
    workerId,
    address: null,
    joinTokenHash: `hash-${workerId}`,
    joinTokenExpiresAt: now + 900_000,
    renew,
    by: 'admin',
  };
}

export function describe(effect: Effect): string {
  switch (effect.kind) {
    case 'startAttempt':
      return `start ${effect.taskId}/${effect.attempt} on ${effect.workerId}`;
    case 'stopAttempt':
      return `stop ${effect.taskId}/${effect.attempt} on ${effect.workerId}: ${effect.reason}`;
    case 'closeSession':
      return `close ${effect.workerId}/${effect.session}: ${effect.code}`;
  }
}
