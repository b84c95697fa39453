/**
 * The only caller of `engine.apply`, and the keeper of one order: drain the mailbox → apply each command → one store
 * commit for the batch → answer the callers → tell the listeners → perform the effects. Nothing leaves before the
 * commit is durable. While a commit is under way further commands gather, and become the next batch: that is where
 * throughput comes from.
 *
 * running     commands are accepted and applied
 * reloading   the disk is full and the store's reserve is used up: memory, which is ahead of the store, is dropped and
 *             read again; submits are refused with `store_full`, everything else, reads too, with `unavailable`; ends
 *             by itself once a commit succeeds
 * stopping    what was accepted is finished, nothing more is accepted
 * stopped     for good: asked for, or after a failure that only a fresh process may deal with
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Applied, Change, Command, Effect, Engine, Reply } from '@cloudai/engine';
import { type Store, StoreError } from '@cloudai/store';
import type { SteadyClock } from './clock.ts';
import type { Loop } from './context.ts';
import { Unavailable } from './unavailable.ts';

/** What the loop needs of the engine. */
export interface Machine {
  apply(command: Command, now: number): Applied;
  hear(command: Extract<Command, { kind: 'heartbeatWorker' }>, now: number): boolean;
  deadline(): number | null;
}

export interface LoopOptions<E extends Machine> {
  readonly engine: E;
  readonly store: Pick<Store, 'commit' | 'health'>;
  readonly epoch: number;
  readonly clock: Pick<SteadyClock, 'now' | 'lagMs' | 'forgive'>;
  /** Most commands of users that wait; beyond it they are answered `unavailable`. */
  readonly mailboxLimit?: number;
  /** Called after callers and listeners, once what asked for the effect is durable. */
  perform(effects: readonly Effect[]): void;
  /**
   * The store had no room for a batch: build the engine anew from what is stored, recovered and durable. Resolves
   * when that has succeeded, however long it takes.
   */
  reload(): Promise<{ readonly engine: E; readonly epoch: number }>;
  /** Told after each batch; must not throw or block. */
  onBatch?(figures: BatchFigures): void;
  /** A broken invariant or a failing store. The loop has stopped; the process has to. */
  onFatal(error: unknown): void;
}

/** What a batch was and took. */
export interface BatchFigures {
  readonly commands: number;
  /** Rows that it changed. */
  readonly changes: number;
  /** Of each step that placed something or looked for what is due. */
  readonly decisionsMs: readonly number[];
  /** Null when nothing had to be stored. */
  readonly commitMs: number | null;
  readonly rows: readonly Change[];
  /** When the first of its commands came; Unix ms, like the others, with fractions. */
  readonly receivedAt: number;
  readonly applied: { readonly from: number; readonly to: number };
  readonly committed: { readonly from: number; readonly to: number } | null;
}

/** Gets the durable reply, or why there is none. Runs before the effects of the same batch. */
export type Answer = (outcome: Reply | Unavailable) => void;

interface Letter {
  readonly command: Command;
  readonly answer: Answer;
  /** When it came, by the engine's clock. */
  readonly at: number;
}

const MAILBOX_LIMIT = 10_000;
/** Applying goes on for this long at most before the batch is committed, so that no caller waits for all others. */
const APPLY_SLICE_MS = 100;
/** A commit that takes longer stops the clock: hellos and reports could not be heard meanwhile. */
const SLOW_COMMIT_MS = 1_000;
const TIMER_MAX_MS = 60_000;

/**
 * Bounded by their senders (one heartbeat and a window of reports per session), and refused only to the harm of
 * whom they speak for, so the limit of the mailbox does not hold for them.
 */
const UNLIMITED: ReadonlySet<Command['kind']> = new Set([
  'recover',
  'connectWorker',
  'heartbeatWorker',
  'disconnectWorker',
  'reportAttempt',
]);

export class MasterLoop<E extends Machine = Engine> implements Loop {
  readonly #options: LoopOptions<E>;
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  #engine: E;
  #epoch: number;
  #mailbox: Letter[] = [];
  #state: 'running' | 'reloading' | 'stopping' | 'stopped' = 'running';
  #cycle: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #settled: PromiseWithResolvers<void>[] = [];
  #committing = false;
  /** The engine shows what could not be stored: nobody may be told of it. */
  #isAhead = false;

  constructor(options: LoopOptions<E>) {
    this.#options = options;
    this.#engine = options.engine;
    this.#epoch = options.epoch;
  }

  /** The type parameter serves tests; everybody else sees the engine. */
  get engine(): Engine {
    return this.#engine as unknown as Engine;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Arms the timer; call once the recovered state is durable. */
  start(): void {
    this.#arm();
  }

  submit(command: Command): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.post(command, (outcome) => (outcome instanceof Unavailable ? reject(outcome) : resolve(outcome)));
    });
  }

  /** `submit` without a promise, for those who have to act before the effects of the same batch. */
  post(command: Command, answer: Answer): void {
    const refusal = this.#refusal(command);
    if (refusal !== null) {
      queueMicrotask(() => answer(refusal));
      return;
    }
    const at = this.#options.clock.now();
    // Most signs of life need no commit. They are not to wait for one of others': on a slow disk the workers would think
    // that the master is gone.
    if (command.kind === 'heartbeatWorker' && this.#engine.hear(command, at)) {
      queueMicrotask(() => answer({ ok: true, kind: 'done' }));
      return;
    }
    this.#mailbox.push({ command, answer, at });
    this.#wake();
  }

  onCommitted(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves once everything that the engine's state shows now is durable; rejects when it will not be. */
  async settled(): Promise<void> {
    if (this.#isAhead) throw notStored();
    if (!this.#committing) return;
    const settled = Promise.withResolvers<void>();
    this.#settled.push(settled);
    await settled.promise;
  }

  lagMs(): number {
    return this.#options.clock.lagMs();
  }

  storeFull(): boolean {
    return this.#state === 'reloading' || this.#options.store.health().state === 'full';
  }

  /** Finishes what was accepted. */
  async stop(): Promise<void> {
    if (this.#state === 'running' || this.#state === 'reloading') this.#state = 'stopping';
    while (this.#cycle !== null) await this.#cycle;
    this.#end();
  }

  #refusal(command: Command): Unavailable | null {
    if (command.kind === 'submitTasks' && this.storeFull()) return Unavailable.storeFull();
    if (this.#state === 'reloading')
      return new Unavailable('unavailable', 'the master is reading its store again; try again');
    if (this.#state !== 'running') return new Unavailable('unavailable', 'the master is stopping; try again');
    const limit = this.#options.mailboxLimit ?? MAILBOX_LIMIT;
    if (this.#mailbox.length >= limit && !UNLIMITED.has(command.kind))
      return new Unavailable('unavailable', `${limit} commands wait for the master already; try again`);
    return null;
  }

  #wake(): void {
    this.#cycle ??= this.#run().finally(() => {
      this.#cycle = null;
      if (this.#mailbox.length > 0) this.#wake();
      else this.#arm();
    });
  }

  async #run(): Promise<void> {
    // One turn of the event loop, so that everything that arrived together is committed together.
    await turn();
    while (this.#state !== 'stopped' && (this.#mailbox.length > 0 || this.#isDue())) {
      try {
        await this.#batch();
      } catch (error) {
        this.#fail(error, []);
      }
      await turn();
    }
  }

  #isDue(): boolean {
    const deadline = this.#engine.deadline();
    return this.#state === 'running' && deadline !== null && deadline <= this.#options.clock.now();
  }

  async #batch(): Promise<void> {
    const batch: { readonly letter: Letter; readonly reply: Reply }[] = [];
    const changes: Change[] = [];
    const effects: Effect[] = [];
    const decisionsMs: number[] = [];
    let commitMs: number | null = null;
    // Time of the engine, but going on within the batch.
    const base = this.#options.clock.now() - performance.now();
    const from = base + performance.now();
    try {
      this.#applyAll(batch, changes, effects, decisionsMs);
    } catch (error) {
      // The mailbox still holds every letter of the batch.
      this.#fail(error, []);
      return;
    }
    const appliedTo = base + performance.now();
    if (changes.length > 0) {
      try {
        commitMs = await this.#commit(changes);
      } catch (error) {
        await this.#commitFailed(error, batch);
        return;
      }
    }
    for (const { letter, reply } of batch) letter.answer(reply);
    if (changes.length > 0) for (const listener of this.#listeners) listener(changes);
    if (effects.length > 0) this.#options.perform(effects);
    this.#options.onBatch?.({
      commands: batch.length,
      changes: changes.length,
      decisionsMs,
      commitMs,
      rows: changes,
      receivedAt: batch[0]?.letter.at ?? from,
      applied: { from, to: appliedTo },
      committed: commitMs === null ? null : { from: appliedTo, to: appliedTo + commitMs },
    });
  }

  #applyAll(
    batch: { readonly letter: Letter; readonly reply: Reply }[],
    changes: Change[],
    effects: Effect[],
    decisionsMs: number[],
  ): void {
    const now = this.#options.clock.now();
    const until = performance.now() + APPLY_SLICE_MS;
    const apply = (command: Command): Reply => {
      const started = performance.now();
      const applied = this.#engine.apply(command, now);
      if (command.kind === 'tick' || applied.effects.some(({ kind }) => kind === 'startAttempt'))
        decisionsMs.push(performance.now() - started);
      for (const change of applied.changes) changes.push(change);
      for (const effect of applied.effects) effects.push(effect);
      return applied.reply;
    };
    let taken = 0;
    for (const letter of this.#mailbox) {
      batch.push({ letter, reply: apply(letter.command) });
      taken += 1;
      if (performance.now() > until) break;
    }
    this.#mailbox = this.#mailbox.slice(taken);
    // After the commands: a sign of life that waited in the mailbox counts before the time-out that it disproves. What
    // came after the deadline does not hold up the tick, however much there is of it.
    const deadline = this.#engine.deadline();
    const waiting = this.#mailbox[0]?.at ?? Number.POSITIVE_INFINITY;
    if (deadline !== null && deadline <= now && deadline < waiting) apply({ kind: 'tick' });
  }

  /** Returns how long it took. */
  async #commit(changes: readonly Change[]): Promise<number> {
    const started = performance.now();
    this.#committing = true;
    try {
      await this.#options.store.commit(this.#epoch, changes);
    } catch (error) {
      this.#isAhead = true;
      throw error;
    } finally {
      this.#committing = false;
      const settled = this.#settled;
      this.#settled = [];
      for (const { resolve, reject } of settled) {
        if (this.#isAhead) reject(notStored());
        else resolve();
      }
    }
    const took = performance.now() - started;
    if (took > SLOW_COMMIT_MS) this.#options.clock.forgive(took);
    return took;
  }

  /** Nothing of the batch is durable and the engine's memory is ahead of the store. */
  async #commitFailed(error: unknown, batch: readonly { readonly letter: Letter }[]): Promise<void> {
    if (!(error instanceof StoreError && error.code === 'store_full')) {
      this.#fail(error, batch);
      return;
    }
    const stopping = this.#state === 'stopping';
    this.#state = 'reloading';
    const waiting = this.#mailbox;
    this.#mailbox = [];
    for (const letter of [...batch.map((entry) => entry.letter), ...waiting])
      letter.answer(
        letter.command.kind === 'submitTasks'
          ? Unavailable.storeFull()
          : new Unavailable('unavailable', 'the disk of the master is full; try again'),
      );
    if (stopping) {
      this.#end();
      return;
    }
    try {
      const { engine, epoch } = await this.#options.reload();
      this.#engine = engine;
      this.#epoch = epoch;
      this.#isAhead = false;
      if (this.#state === 'reloading') this.#state = 'running';
    } catch (failure) {
      this.#fail(failure, []);
    }
  }

  #fail(error: unknown, batch: readonly { readonly letter: Letter }[]): void {
    const letters = [...batch.map((entry) => entry.letter), ...this.#mailbox];
    this.#mailbox = [];
    this.#isAhead = true;
    this.#end();
    for (const letter of letters)
      letter.answer(new Unavailable('unavailable', 'the master has stopped before it could answer; try again'));
    this.#options.onFatal(error);
  }

  #end(): void {
    this.#state = 'stopped';
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #arm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#state !== 'running') return;
    const deadline = this.#engine.deadline();
    if (deadline === null) return;
    // The engine's clock may stand still for a moment: then the timer finds nothing due and is armed again.
    const wait = Math.min(TIMER_MAX_MS, Math.max(1, deadline - this.#options.clock.now()));
    this.#timer = setTimeout(() => this.#wake(), wait);
  }
}

function notStored(): Unavailable {
  return new Unavailable('unavailable', 'what the master knows could not be stored; try again');
}
