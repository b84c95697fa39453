/**
 * Seals logs that nobody may end: of attempts that were given up, and of those whose worker reported their end and was
 * lost before it had sent the rest. Without this a follower would wait for ever. What the worker brings when it returns
 * is taken all the same.
 */
import { type Attempt, type Change, isLive } from '@cloudai/engine';
import type { Store } from '@cloudai/store';
import type { FileLogStore } from './log-store.ts';

/** Of a lost worker, its newest attempts; older ones have long been complete. */
const MOST_ATTEMPTS = 1_000;
const PAGE = 200;

export class LogSealer {
  readonly #logs: FileLogStore;
  readonly #store: Pick<Store, 'attemptsOnWorker'>;
  readonly #onError: (error: unknown) => void;

  constructor(logs: FileLogStore, store: Pick<Store, 'attemptsOnWorker'>, onError: (error: unknown) => void) {
    this.#logs = logs;
    this.#store = store;
    this.#onError = onError;
  }

  onCommitted(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'attempt' && !isLive(change.row.state) && change.row.result === null)
        this.#seal(change.row).catch(this.#onError);
      if (change.kind === 'worker' && (change.row.state === 'lost' || change.row.state === 'revoked'))
        this.#sealAll(change.row.id).catch(this.#onError);
    }
  }

  async #seal({ taskId, number, endedAt }: Attempt): Promise<void> {
    const file = await this.#logs.open(taskId, number);
    // No file is made for an attempt that never said anything, unless somebody waits for it.
    const isAwaited = file.size > 0 || file.isDirty || file.listeners.size > 0;
    if (isAwaited && !file.isOver) this.#logs.seal(file, endedAt ?? 0);
    await this.#logs.release(file);
  }

  async #sealAll(workerId: string): Promise<void> {
    let seen = 0;
    for (let cursor: string | null = null; seen < MOST_ATTEMPTS; ) {
      const page: Awaited<ReturnType<Store['attemptsOnWorker']>> = await this.#store.attemptsOnWorker(
        workerId,
        PAGE,
        cursor,
      );
      for (const attempt of page.items) if (!isLive(attempt.state)) await this.#seal(attempt);
      seen += page.items.length;
      cursor = page.next;
      if (cursor === null) return;
    }
  }
}
