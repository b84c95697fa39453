/**
 * Carries out what the state machine of one attempt asks for, and tells it what came of it. All waiting, retrying and
 * reading happens here; every decision is in `core/machine.ts`.
 */
import type { Logger } from 'pino';
import { uploadAll } from './artifacts.ts';
import { AttemptMeter, type AttemptSample, measureSoon } from './attempt-meter.ts';
import { delay } from './clock.ts';
import { type AttemptKey, type AttemptReport, type AttemptResult, keyText, type LogTotals } from './core/attempt.ts';
import { LogLedger, type StreamName } from './core/log-ledger.ts';
import { sentences, step, wakeAt } from './core/machine.ts';
import type { AttemptAction, AttemptEvent, AttemptState, CollectedOutputs, Step } from './core/state.ts';
import type { PhaseName } from './observer.ts';
import type { RunnerHost } from './runner-host.ts';
import { RuntimeError } from './runtimes/runtime.ts';

const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 5_000;
const RUNTIME_AWAY_MS = 10_000;

export class AttemptRunner {
  readonly key: AttemptKey;
  readonly ledger: LogLedger;
  readonly #host: RunnerHost;
  readonly #log: Logger;
  readonly #meter: AttemptMeter;
  #state: AttemptState;
  /** Reports that the master has not acknowledged, oldest first; at most one of each phase. */
  #reports: AttemptReport[] = [];
  #cancelTimer: (() => void) | null = null;
  readonly #prepareAbort = new AbortController();
  /** Ends the watching and collecting of a container that is being removed. */
  readonly #abort = new AbortController();
  #logAbort = new AbortController();
  readonly #logStart = Promise.withResolvers<void>();
  readonly #logDone = Promise.withResolvers<LogTotals>();
  #logSpace: (() => void) | null = null;
  #containerId: string | null = null;
  #isReading = false;
  #limitTold = false;
  #startedAt: number | null = null;
  #noted: Promise<void> = Promise.resolve();
  #endToldAt: number | null = null;

  /** `adopted` attempts wait for the master to say how much of their log it has. */
  constructor(host: RunnerHost, first: Step, adopted: boolean) {
    this.#host = host;
    this.#state = first.state;
    this.key = first.state.key;
    this.ledger = new LogLedger(first.state.spec.logLimitBytes);
    this.#log = host.log.child({ attempt: keyText(this.key) });
    this.#meter = new AttemptMeter(this.key, host);
    if (!adopted) this.#logStart.resolve();
    // Carried out a moment later, so that whoever makes a runner can file it first.
    queueMicrotask(() => this.#perform(first.actions));
  }

  get state(): AttemptState {
    return this.#state;
  }

  get reports(): readonly AttemptReport[] {
    return this.#reports;
  }

  /** Unix ms; null while nothing runs yet. */
  get startedAt(): number | null {
    return this.#startedAt;
  }

  get sample(): AttemptSample | null {
    return this.#meter.sample;
  }

  dispatch(event: AttemptEvent): void {
    const before = this.#state.phase;
    const { state, actions } = step(this.#state, event, this.#host.clock.now());
    this.#state = state;
    if (state.phase !== before) this.#log.debug({ from: before, to: state.phase, event: event.kind }, 'attempt moves');
    this.#perform(actions);
  }

  /**
   * The master has the report. An end is told again in every session until the master has its log as well and says that
   * it may be forgotten.
   */
  acknowledge(phase: AttemptReport['phase'], forget: boolean): void {
    if (phase === 'ended' && !forget) return;
    if (phase === 'ended') this.#tellPhase('report', this.#endToldAt);
    const index = this.#reports.findIndex((report) => report.phase === phase);
    if (index !== -1) this.#reports.splice(0, index + 1);
    if (phase === 'ended') this.dispatch({ kind: 'forget' });
  }

  acknowledgeLog(stream: StreamName, offset: number): void {
    this.ledger.acknowledge(stream, offset);
    this.#logSpace?.();
  }

  resumeLog(offsets: Readonly<Record<StreamName, number>>): void {
    const readAgain = this.ledger.resume(offsets);
    this.#logStart.resolve();
    this.#logSpace?.();
    if (!readAgain) return;
    this.#log.warn(offsets, 'the master lacks log bytes that are not held any more; reading the log again');
    this.#logAbort.abort();
    this.#logAbort = new AbortController();
    if (!this.#isReading && this.#containerId !== null) this.#background(this.#readLog(this.#containerId));
  }

  /** The master did not say what it has: it gets again what it has not acknowledged. */
  resendLog(): void {
    this.ledger.resend();
    this.#logStart.resolve();
  }

  /** Measures what the attempt uses now; called at the pace of heartbeats. */
  async measure(): Promise<void> {
    const state = this.#state;
    if (state.phase !== 'running') return;
    await this.#meter.measure(state.containerId);
    if (state.spec.storageBytes <= 0) return;
    const bytes = await this.#meter.measureStorage(state.containerId);
    if (bytes !== null) this.dispatch({ kind: 'storageMeasured', bytes });
  }

  /** Remembers over a restart of the worker how long the process has been running; only a time limit wants to know. */
  noteStart(ranForMs: number): void {
    if (this.#state.spec.timeoutMs === null) return;
    this.#noted = this.#host.journal.writeStart(this.key, ranForMs).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'the start could not be noted on disk');
    });
  }

  /** Lets go of the container, which goes on; nothing more is told or done. */
  detach(): void {
    this.#cancelTimer?.();
    this.#prepareAbort.abort();
    this.#logAbort.abort();
    this.#abort.abort();
  }

  #perform(actions: readonly AttemptAction[]): void {
    for (const action of actions) this.#performOne(action);
    this.#cancelTimer?.();
    const at = wakeAt(this.#state);
    const { clock } = this.#host;
    this.#cancelTimer = at === null ? null : clock.after(Math.max(0, at - clock.now()), () => this.#tick());
  }

  #tick(): void {
    this.dispatch({ kind: 'tick', wallNow: this.#host.clock.wallNow() });
  }

  #performOne(action: AttemptAction): void {
    switch (action.kind) {
      case 'prepare':
        this.#background(this.#prepare());
        return;
      case 'abortPrepare':
        this.#prepareAbort.abort();
        return;
      case 'start':
        this.#background(this.#start(action.image));
        return;
      case 'watch':
        this.#background(this.#awaitExit(action.containerId));
        this.#background(this.#readLog(action.containerId));
        return;
      case 'stop':
        this.#background(this.#stop(action));
        return;
      case 'collect':
        this.#background(this.#collectOutputs(action.containerId, action.limitBytes));
        this.#background(this.#logDone.promise.then((totals) => this.dispatch({ kind: 'logsComplete', totals })));
        return;
      case 'report':
        this.#report(action.report);
        return;
      case 'remove':
        this.#background(this.#remove());
        return;
      case 'forget':
        this.#host.gone(this);
        return;
    }
  }

  #background(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (this.#abort.signal.aborted) return; // The attempt is being removed or let go.
      // Each piece of work handles the failures it expects; what arrives here is a bug, and hiding it would leave the
      // attempt hanging for ever.
      queueMicrotask(() => {
        throw error;
      });
    });
  }

  async #prepare(): Promise<void> {
    const { runtime } = this.#host;
    const { spec } = this.#state;
    const onProgress = (text: string) => this.dispatch({ kind: 'progress', text });
    const signal = this.#prepareAbort.signal;
    const giveUpAt = this.#host.clock.now() + RUNTIME_AWAY_MS;
    const startedAt = this.#host.clock.wallNow();
    while (!signal.aborted) {
      try {
        const image = await runtime.prepare(spec, onProgress, signal);
        this.#tellPhase('pull', startedAt);
        this.dispatch({ kind: 'prepared', image, leaseFresh: this.#host.mayStart(this) });
        return;
      } catch (error) {
        if (signal.aborted) return;
        // A runtime that is being restarted is back in moments, sooner than another worker has the image.
        if (error instanceof RuntimeError || this.#host.clock.now() > giveUpAt) {
          this.#tellPhase('pull', startedAt, error);
          return this.#notStarted(error);
        }
        await delay(this.#host.clock, RETRY_FIRST_MS, signal).catch(() => {}); // Stopped while waiting.
      }
    }
  }

  async #start(image: Extract<AttemptAction, { kind: 'start' }>['image']): Promise<void> {
    const { runtime, clock, starts } = this.#host;
    let delayMs = RETRY_FIRST_MS;
    let askedAt: number | null = null;
    let beganAt: number | null = null;
    while (true) {
      try {
        const { containerId, startedAt, createMs } = await starts.run(async () => {
          await this.#untilItMay(); // The lease may have run out while others started.
          if (askedAt === null && this.#isStopWanted())
            throw new RuntimeError('start_error', 'it was stopped before it started');
          askedAt ??= clock.now();
          beganAt ??= clock.wallNow();
          return runtime.start(this.key, this.#state.spec, image);
        });
        // Never more than since it was asked for, whatever happened to the wall clock in between.
        const ranForMs = Math.max(0, Math.min(clock.wallNow() - startedAt, clock.now() - (askedAt ?? clock.now())));
        this.noteStart(ranForMs);
        this.#tellStart(beganAt, createMs);
        this.dispatch({ kind: 'started', containerId, startedAt, ranForMs, imageDigest: image.digest });
        this.#background(
          measureSoon(this.#host, this.#abort.signal, () => (this.#state.phase === 'running' ? this.measure() : null)),
        );
        return;
      } catch (error) {
        if (error instanceof RuntimeError) {
          this.#tellPhase('start', beganAt, error);
          return this.#notStarted(error);
        }
        // The runtime did not answer, so the process may run or not. It is asked again until it answers.
        this.#abort.signal.throwIfAborted();
        this.#log.warn({ err: error }, 'the start has no answer; asking again');
        await delay(clock, delayMs, this.#abort.signal);
        delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
      }
    }
  }

  #isStopWanted(): boolean {
    return this.#state.phase === 'starting' && this.#state.stop !== null;
  }

  async #untilItMay(): Promise<void> {
    while (!this.#host.mayStart(this)) await delay(this.#host.clock, RETRY_FIRST_MS, this.#abort.signal);
  }

  #notStarted(error: unknown): void {
    const known = error instanceof RuntimeError ? error : null;
    this.dispatch({
      kind: 'notStarted',
      reason: known?.reason ?? 'start_error',
      message: (error as Error).message,
      exitCode: known?.exitCode ?? null,
      wallNow: this.#host.clock.wallNow(),
    });
  }

  async #awaitExit(containerId: string): Promise<void> {
    const exit = await this.#host.runtime.wait(this.key, containerId, this.#abort.signal);
    this.dispatch({ kind: 'exited', exit, usage: this.#meter.peak });
  }

  async #readLog(containerId: string): Promise<void> {
    this.#containerId = containerId;
    await this.#logStart.promise;
    this.#isReading = true;
    try {
      await this.#readWholeLog(containerId);
    } finally {
      this.#isReading = false;
    }
  }

  async #readWholeLog(containerId: string): Promise<void> {
    const { runtime, clock } = this.#host;
    let lost: string | null = null;
    while (true) {
      const signal = AbortSignal.any([this.#abort.signal, this.#logAbort.signal]);
      this.ledger.rewind();
      try {
        for await (const piece of runtime.logs(this.key, containerId, () => this.ledger.isCut, signal)) {
          if ('missing' in piece) {
            if (this.ledger.skip(piece.stream, piece.missing)) {
              lost = `${piece.missing} bytes of ${piece.stream} are missing: Docker rotated them away`;
            }
          } else if (this.ledger.push(piece.stream, piece.data, clock.now(), clock.wallNow())) this.#onLogLimit();
          this.#host.wakeSession(this);
          while (this.ledger.isFull(this.#host.windowBytes())) await this.#awaitLogSpace(signal);
        }
        signal.throwIfAborted();
        break;
      } catch (error) {
        this.#abort.signal.throwIfAborted();
        if (!signal.aborted) throw error;
      }
    }
    const { loss, commandError } = runtime.logNotes(this.key);
    this.ledger.complete();
    this.#logDone.resolve({ ...this.ledger.totals(), message: loss ?? lost, commandError });
    this.#host.wakeSession(this);
  }

  #onLogLimit(): void {
    if (this.#limitTold) return;
    this.#limitTold = true;
    this.dispatch({ kind: 'logLimitReached' });
  }

  #awaitLogSpace(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    this.#logSpace = resolve;
    return promise.finally(() => {
      this.#logSpace = null;
      signal.removeEventListener('abort', onAbort);
    });
  }

  async #stop({ containerId, graceMs, stop }: Extract<AttemptAction, { kind: 'stop' }>): Promise<void> {
    const { runtime, journal } = this.#host;
    try {
      // Before the signal, so that no restart in between can make our kill look like someone else's.
      await journal.writeStop(this.key, stop);
    } catch (error) {
      this.#log.warn({ err: error }, 'the stop could not be noted on disk');
    }
    try {
      await runtime.stop(this.key, containerId, graceMs);
    } catch (error) {
      if (this.#abort.signal.aborted) return; // Let go of in the middle; the next process of this worker goes on.
      this.#log.warn({ err: error }, 'the stop failed; it is repeated');
    }
  }

  async #collectOutputs(containerId: string, limitBytes: number): Promise<void> {
    const outputs = await this.#outputs(containerId, limitBytes);
    this.dispatch({ kind: 'outputsCollected', outputs });
  }

  async #outputs(containerId: string, limitBytes: number): Promise<CollectedOutputs> {
    const { runtime } = this.#host;
    try {
      const { files, skipped, overLimit } = await runtime.outputs(this.key, containerId, limitBytes);
      const { artifacts, message, failed } = await uploadAll(files, {
        upload: (file) => this.#host.upload(this.key, file, this.#abort.signal),
        clock: this.#host.clock,
        log: this.#log,
        signal: this.#abort.signal,
      });
      return { artifacts, message: sentences(skipped, message), failed: failed || overLimit };
    } catch (error) {
      this.#abort.signal.throwIfAborted();
      this.#log.warn({ err: error }, 'the output files could not be collected');
      return { artifacts: [], message: `output files could not be kept: ${(error as Error).message}`, failed: true };
    }
  }

  /** A newer report of the same phase replaces the older one: only progress texts come more than once. */
  #report(report: AttemptReport): void {
    if (report.phase === 'running') this.#startedAt = report.startedAt;
    // An end without a container has an empty log.
    if (report.phase === 'ended') {
      this.ledger.complete();
      this.#tellEnd(report.result);
    }
    this.#reports = [...this.#reports.filter(({ phase }) => phase !== report.phase), report];
    this.#host.wakeSession(this);
  }

  #tellPhase(name: PhaseName, startedAt: number | null, error: unknown = null, endedAt?: number): void {
    if (startedAt === null) return;
    this.#host.observer?.onPhase?.({
      name,
      key: this.key,
      traceparent: this.#state.spec.traceparent ?? null,
      startedAt,
      endedAt: endedAt ?? this.#host.clock.wallNow(),
      error: error === null ? null : (error as Error).message,
    });
  }

  #tellStart(beganAt: number | null, createMs: number | undefined): void {
    if (beganAt === null) return;
    const createdAt = beganAt + (createMs ?? 0);
    if (createMs !== undefined) this.#tellPhase('create', beganAt, null, createdAt);
    this.#tellPhase('start', createdAt);
  }

  #tellEnd(result: AttemptResult): void {
    if (this.#endToldAt !== null) return;
    this.#endToldAt = this.#host.clock.wallNow();
    this.#tellPhase('run', result.startedAt, null, result.endedAt);
    this.#host.observer?.onEnded?.(result);
  }

  async #remove(): Promise<void> {
    const { runtime, clock, journal } = this.#host;
    this.#logAbort.abort();
    this.#abort.abort();
    this.#reports = [];
    let delayMs = RETRY_FIRST_MS;
    while (true) {
      try {
        await runtime.remove(this.key);
        await this.#noted;
        await journal.remove(this.key);
        break;
      } catch (error) {
        this.#log.warn({ err: error }, 'the container could not be removed; trying again');
        await new Promise<void>((resolve) => clock.after(delayMs, resolve));
        delayMs = Math.min(delayMs * 2, RETRY_MAX_MS);
      }
    }
    this.dispatch({ kind: 'removed' });
  }
}
