/**
 * What goes up in one session, in the order of its weight: hello and heartbeats, then reports, then log chunks, fairly
 * between attempts. Nothing is queued here but the few control messages: reports and log bytes stay with their attempt
 * until the moment they are sent, so a slow connection costs no memory, and a lost one loses nothing.
 */
import type { AttemptRunner } from './attempt-runner.ts';
import type { Clock } from './clock.ts';
import { type AttemptReport, keyText } from './core/attempt.ts';
import { logToWire, reportToWire, type Up } from './wire.ts';

export class Outbox implements AsyncIterable<Up> {
  readonly #clock: Clock;
  readonly #control: Up[] = [];
  /** Attempts that may have something to send; the order is whose turn it is. */
  readonly #ready = new Set<AttemptRunner>();
  readonly #awaitingResume = new Set<string>();
  /** Of reports that were sent in this session; the others still have to be. */
  readonly #sequences = new WeakMap<AttemptReport, bigint>();
  #session: bigint | null = null;
  #sequence = 0n;
  #closed = false;
  #notify: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The master accepted the session. Logs of the `found` attempts wait for the master to say where to go on. */
  open(session: bigint, runners: Iterable<AttemptRunner>, found: Iterable<AttemptRunner>): void {
    this.#session = session;
    for (const runner of found) this.#awaitingResume.add(keyText(runner.key));
    for (const runner of runners) this.#ready.add(runner);
    this.#notify?.();
  }

  /** To be sent before everything else. */
  control(message: Up): void {
    this.#control.push(message);
    this.#notify?.();
  }

  ready(runner: AttemptRunner): void {
    this.#ready.add(runner);
    this.#notify?.();
  }

  resumed(runner: AttemptRunner): void {
    this.#awaitingResume.delete(keyText(runner.key));
    this.ready(runner);
  }

  isAwaitingResume(runner: AttemptRunner): boolean {
    return this.#awaitingResume.has(keyText(runner.key));
  }

  /** The phase of the report that was sent under this number. */
  phaseOf(runner: AttemptRunner, sequence: bigint): AttemptReport['phase'] | null {
    const report = runner.reports.find((candidate) => this.#sequences.get(candidate) === sequence);
    return report?.phase ?? null;
  }

  /** Ends the stream once the control messages are out. */
  close(): void {
    this.#closed = true;
    this.#notify?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Up> {
    while (true) {
      const message = this.#next();
      if (message !== null) yield message;
      else if (this.#closed) return;
      else await this.#changed();
    }
  }

  #next(): Up | null {
    const control = this.#control.shift();
    if (control !== undefined) return control;
    if (this.#closed || this.#session === null) return null;
    for (const runner of this.#ready) {
      const report = this.#nextReport(runner);
      if (report === null) continue;
      this.#sequence += 1n;
      this.#sequences.set(report, this.#sequence);
      return reportToWire(this.#session, this.#sequence, runner.key, report);
    }
    return this.#nextLog();
  }

  #nextReport(runner: AttemptRunner): AttemptReport | null {
    const report = runner.reports.find((candidate) => !this.#sequences.has(candidate));
    if (report === undefined) return null;
    // An end stands for its whole log, so the log goes first.
    return report.phase === 'ended' && !this.#isLogOut(runner) ? null : report;
  }

  #isLogOut(runner: AttemptRunner): boolean {
    return runner.ledger.isHandedOver && !this.isAwaitingResume(runner);
  }

  #nextLog(): Up | null {
    const now = this.#clock.now();
    const wallNow = this.#clock.wallNow();
    for (const runner of this.#ready) {
      if (this.isAwaitingResume(runner)) continue;
      const chunk = runner.ledger.take(now, wallNow);
      if (chunk === null) {
        if (runner.ledger.dueAt() === null && this.#nextReport(runner) === null) this.#ready.delete(runner);
        continue;
      }
      this.#ready.delete(runner); // To the end of the line.
      this.#ready.add(runner);
      return logToWire(runner.key, chunk);
    }
    return null;
  }

  /** Resolves when something was added or a small piece of log has waited long enough. */
  async #changed(): Promise<void> {
    let dueAt = Number.POSITIVE_INFINITY;
    for (const runner of this.#ready) {
      if (!this.isAwaitingResume(runner)) dueAt = Math.min(dueAt, runner.ledger.dueAt() ?? dueAt);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#notify = resolve;
    const cancel = Number.isFinite(dueAt)
      ? this.#clock.after(Math.max(1, dueAt - this.#clock.now()), resolve)
      : () => {};
    await promise;
    cancel();
    this.#notify = null;
  }
}
