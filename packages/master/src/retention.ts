/** Removes what is older than retention allows: rows first, then the logs and artifacts that they named. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Retention as Limits, Store } from '@cloudai/store';

interface Files {
  remove(taskId: string): Promise<void>;
  taskIds(): AsyncIterable<string>;
}

export interface RetentionOptions {
  readonly limits: Limits;
  readonly everyMs: number;
  readonly store: Pick<Store, 'prune' | 'task'>;
  readonly logs: Files;
  readonly artifacts: Files;
  readonly telemetry?: Pick<Files, 'remove'>;
  /** Tasks in memory are not looked up. */
  isKnown(taskId: string): boolean;
  now(): number;
  onRemoved(counts: { readonly tasks: number; readonly events: number; readonly orphans: number }): void;
  onError(error: unknown): void;
}

/** Between two steps, so that users' commits do not queue up behind this. */
const PAUSE_MS = 50;
/** Files without a row are left by a crash between the two removals: rare, so looked for rarely. */
const ORPHANS_EVERY = 24;

export class Retention {
  readonly #options: RetentionOptions;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #stopped = false;
  #rounds = 0;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.run(), this.#options.everyMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#running;
  }

  /** One round; a second call while it goes on waits for the same. Never rejects. */
  async run(): Promise<void> {
    this.#running ??= this.#round()
      .catch((error: unknown) => {
        if (!this.#stopped) this.#options.onError(error);
      })
      .finally(() => {
        this.#running = null;
      });
    await this.#running;
  }

  async #round(): Promise<void> {
    const { store, limits, logs, artifacts, telemetry, now, onRemoved } = this.#options;
    let tasks = 0;
    let events = 0;
    while (!this.#stopped) {
      const pruned = await store.prune(limits, now());
      for (const taskId of pruned.taskIds) {
        await logs.remove(taskId);
        await artifacts.remove(taskId);
        await telemetry?.remove(taskId);
      }
      tasks += pruned.taskIds.length;
      events += pruned.events;
      if (pruned.taskIds.length === 0 && pruned.events === 0) break;
      await delay(PAUSE_MS);
    }
    const orphans = this.#rounds % ORPHANS_EVERY === 0 ? await this.#removeOrphans() : 0;
    this.#rounds += 1;
    if (tasks + events + orphans > 0) onRemoved({ tasks, events, orphans });
  }

  async #removeOrphans(): Promise<number> {
    const { store, isKnown, logs, artifacts } = this.#options;
    let removed = 0;
    for (const files of [logs, artifacts])
      for await (const taskId of files.taskIds()) {
        if (this.#stopped) return removed;
        if (isKnown(taskId) || (await store.task(taskId)) !== null) continue;
        await files.remove(taskId);
        removed += 1;
      }
    return removed;
  }
}
