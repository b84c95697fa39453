import type { Logger } from 'pino';
import type { AttemptJournal } from './attempt-journal.ts';
import type { AttemptRunner } from './attempt-runner.ts';
import type { Clock } from './clock.ts';
import type { Artifact, AttemptKey } from './core/attempt.ts';
import type { WorkerObserver } from './observer.ts';
import type { OutputFile, Runtime } from './runtimes/runtime.ts';
import type { Slots } from './slots.ts';

/** What a runner needs of the worker around it. */
export interface RunnerHost {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly journal: AttemptJournal;
  readonly log: Logger;
  /** Bytes of log that one attempt may hold un-acknowledged now. */
  windowBytes(): number;
  /** The master's word is fresh, and nothing that it has given up still holds what this one was promised. */
  mayStart(runner: AttemptRunner): boolean;
  /** Starts under way at once. */
  readonly starts: Slots;
  /** First measurements under way at once; one that would have to wait is left out. */
  readonly measurements: Slots;
  /** There are reports or log bytes to hand over. */
  wakeSession(runner: AttemptRunner): void;
  upload(key: AttemptKey, file: OutputFile, signal: AbortSignal): Promise<Artifact>;
  gone(runner: AttemptRunner): void;
  readonly observer?: WorkerObserver | undefined;
}
