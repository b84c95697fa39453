/**
 * Who waits for a task to change. One listener on the loop serves every reader, so that a commit costs a look-up per
 * change and not one per reader.
 */
import type { Change } from '@cloudai/engine';
import type { Loop } from '../context.ts';

export class TaskWatch {
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(loop: Pick<Loop, 'onCommitted'>) {
    loop.onCommitted((changes) => this.#notice(changes));
  }

  /** Calls back after each commit that touched the task or one of its attempts. */
  on(taskId: string, callback: () => void): () => void {
    let callbacks = this.#waiting.get(taskId);
    if (callbacks === undefined) {
      callbacks = new Set();
      this.#waiting.set(taskId, callbacks);
    }
    callbacks.add(callback);
    return () => {
      callbacks.delete(callback);
      if (callbacks.size === 0 && this.#waiting.get(taskId) === callbacks) this.#waiting.delete(taskId);
    };
  }

  get size(): number {
    return this.#waiting.size;
  }

  #notice(changes: readonly Change[]): void {
    if (this.#waiting.size === 0) return;
    const touched = new Set<string>();
    for (const change of changes) {
      if (change.kind === 'task') touched.add(change.row.id);
      else if (change.kind === 'attempt') touched.add(change.row.taskId);
    }
    for (const taskId of touched) for (const callback of this.#waiting.get(taskId) ?? []) callback();
  }
}
