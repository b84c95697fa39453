/**
 * The logs that come up one session. Chunks go to the log store; what became durable is acknowledged; where bytes are
 * missing, or could not be taken, the worker is asked to go back. Nothing waits here: a worker whose log is not taken
 * keeps it, and its heartbeats go on.
 */
import type { AttemptResult } from '@cloudai/engine';
import type { LogChunk, LogFile } from '../logs/log-file.ts';
import type { FileLogStore } from '../logs/log-store.ts';
import type { Outbox } from './outbox.ts';
import { type AttemptKey, keyText, writeKey } from './wire.ts';

export interface LogIntakeOptions {
  readonly logs: FileLogStore;
  readonly outbox: Outbox;
  /** Whether this worker may append to the log of this attempt. */
  owns(key: AttemptKey): Promise<boolean>;
  now(): number;
  onError(error: unknown): void;
}

interface Entry {
  readonly key: AttemptKey;
  readonly file: LogFile;
  readonly listener: () => void;
  readonly acked: { stdout: number; stderr: number };
  resets: number;
  /** Asked to go back; chunks on the way are not missed before this time. */
  resumeUntil: number;
  /** A chunk was turned away for lack of room. */
  turnedAway: boolean;
  /** The attempt has ended with this result; call when its log is complete and durable. */
  ended: { readonly result: AttemptResult; readonly done: () => void } | null;
}

/** How long chunks that were sent before the worker heard of the resume may go on arriving. */
const RESUME_PATIENCE_MS = 2_000;
/** Attempts that are none of this worker's, so that their chunks cost one look-up and not one each. */
const MOST_STRANGERS = 1_000;

export class LogIntake {
  readonly #options: LogIntakeOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #strangers = new Set<string>();
  #closed = false;
  readonly #onRoom = (): void => {
    for (const entry of this.#entries.values()) if (entry.turnedAway) this.#resume(entry);
  };

  constructor(options: LogIntakeOptions) {
    this.#options = options;
    options.logs.onRoom.add(this.#onRoom);
  }

  async take(key: AttemptKey, chunk: LogChunk): Promise<void> {
    const entry = this.#entries.get(keyText(key)) ?? (await this.#open(key));
    if (entry === null) return;
    const before = entry.file.accepted;
    switch (this.#options.logs.append(entry.file, chunk)) {
      case 'stored':
        if (entry.file.accepted !== before) entry.resumeUntil = 0;
        // Known already: the acknowledgement may have been lost.
        else this.#ack(entry, true);
        this.#settle(entry);
        return;
      case 'gap':
        if (this.#options.now() >= entry.resumeUntil) this.#resume(entry);
        return;
      case 'busy':
        entry.turnedAway = true;
        return;
    }
  }

  /** Tells the worker from where to send the log of an attempt that it found in its runtime. */
  async resume(key: AttemptKey): Promise<void> {
    const entry = this.#entries.get(keyText(key)) ?? (await this.#open(key));
    if (entry !== null) this.#resume(entry);
  }

  /** The attempt has ended. `done` is called once its log is complete and durable, at once if nothing is kept of it. */
  async settle(key: AttemptKey, result: AttemptResult, done: () => void): Promise<void> {
    const entry = this.#entries.get(keyText(key)) ?? (await this.#open(key));
    if (entry === null) {
      if (!this.#closed) done();
      return;
    }
    entry.ended = { result, done };
    this.#settle(entry);
    if (entry.ended !== null && !isEnded(entry.file) && this.#options.now() >= entry.resumeUntil) this.#resume(entry);
  }

  close(): void {
    this.#closed = true;
    this.#options.logs.onRoom.delete(this.#onRoom);
    for (const entry of this.#entries.values()) this.#letGo(entry);
    this.#entries.clear();
  }

  async #open(key: AttemptKey): Promise<Entry | null> {
    const text = keyText(key);
    if (this.#closed || this.#strangers.has(text)) return null;
    if (!(await this.#options.owns(key))) {
      if (this.#strangers.size >= MOST_STRANGERS) this.#strangers.clear();
      this.#strangers.add(text);
      return null;
    }
    const file = await this.#options.logs.open(key.taskId, key.attempt);
    const known = this.#entries.get(text);
    if (this.#closed || known !== undefined) {
      this.#release(file);
      return known ?? null;
    }
    const entry: Entry = {
      key,
      file,
      listener: () => this.#changed(entry),
      acked: { stdout: 0, stderr: 0 },
      resets: file.resets,
      resumeUntil: 0,
      turnedAway: false,
      ended: null,
    };
    this.#entries.set(text, entry);
    file.listeners.add(entry.listener);
    return entry;
  }

  #changed(entry: Entry): void {
    if (entry.file.resets !== entry.resets) {
      entry.resets = entry.file.resets;
      entry.turnedAway = true;
    }
    this.#ack(entry, false);
    this.#settle(entry);
  }

  #ack(entry: Entry, again: boolean): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const { end } = entry.file.durable[stream];
      if (end <= entry.acked[stream] && !(again && end > 0)) continue;
      entry.acked[stream] = end;
      this.#options.outbox.ackLog(entry.key, stream, end);
    }
  }

  #resume(entry: Entry): void {
    const { stdout, stderr } = entry.file.accepted;
    entry.turnedAway = false;
    entry.resumeUntil = this.#options.now() + RESUME_PATIENCE_MS;
    this.#options.outbox.push({
      case: 'logResume',
      value: { key: writeKey(entry.key), stdoutOffset: BigInt(stdout.end), stderrOffset: BigInt(stderr.end) },
    });
  }

  #settle(entry: Entry): void {
    if (entry.ended === null) return;
    const { file } = entry;
    const { result, done } = entry.ended;
    if (!isEnded(file)) {
      const { stdout, stderr, dropped } = result.logBytes;
      if (file.accepted.stdout.end < stdout || file.accepted.stderr.end < stderr) return;
      // The worker has no more to say than what is here, although the ends of the streams were not marked.
      this.#options.logs.end(file, result.endedAt, Math.max(0, dropped - file.state().droppedBytes));
    }
    if (!file.isDurablyComplete && !file.removed) return;
    entry.ended = null;
    this.#letGo(entry);
    this.#entries.delete(keyText(entry.key));
    done();
  }

  #letGo({ file, listener }: Entry): void {
    file.listeners.delete(listener);
    this.#release(file);
  }

  #release(file: LogFile): void {
    this.#options.logs.release(file).catch(this.#options.onError);
  }
}

function isEnded(file: LogFile): boolean {
  return file.accepted.stdout.ended && file.accepted.stderr.ended;
}
