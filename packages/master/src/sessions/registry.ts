/** Who is connected: worker id → its session in force. What the engine wants done goes out through it. */
import type { Change, Effect } from '@cloudai/engine';
import { refuse } from './refusal.ts';
import type { WorkerSession } from './session.ts';

export class SessionRegistry {
  readonly #live = new Map<string, WorkerSession>();
  /** Sessions that a newer one has replaced a moment ago. */
  readonly #replaced = new Set<WorkerSession>();

  get size(): number {
    return this.#live.size;
  }

  get(workerId: string): WorkerSession | undefined {
    return this.#live.get(workerId);
  }

  /** The newest session of a worker. An older one is over, whether its connection has noticed or not. */
  add(session: WorkerSession): void {
    const before = this.#live.get(session.workerId);
    this.#live.set(session.workerId, session);
    if (before === undefined) return;
    // The engine says why it is over, among the effects that follow at once.
    this.#replaced.add(before);
    setImmediate(() => {
      this.#replaced.delete(before);
      before.close(refuse('fenced', `Worker ${session.workerId} has begun a newer session.`));
    });
  }

  remove(session: WorkerSession): void {
    if (this.#live.get(session.workerId) === session) this.#live.delete(session.workerId);
  }

  /**
   * After the commit, in order. What does not reach a worker is no loss: the engine repeats it at the worker's next
   * hello, from what is stored.
   */
  perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      const session = this.#find(effect.workerId, effect.session);
      if (session === undefined) continue;
      switch (effect.kind) {
        case 'startAttempt':
          session.assign(effect);
          break;
        case 'stopAttempt':
          session.cancel(effect);
          break;
        case 'closeSession':
          // Of two processes with one identity the earlier one has to give way for good, or they would alternate.
          session.close(refuse(effect.code, effect.message, effect.code === 'duplicate_identity' ? false : undefined));
          break;
      }
    }
  }

  #find(workerId: string, number: number): WorkerSession | undefined {
    const live = this.#live.get(workerId);
    if (live?.number === number) return live;
    for (const session of this.#replaced)
      if (session.workerId === workerId && session.number === number) return session;
    return undefined;
  }

  /** Tells workers what was decided about them. */
  onCommitted(changes: readonly Change[]): void {
    for (const change of changes)
      if (change.kind === 'worker') this.#live.get(change.row.id)?.setDrain(change.row.drain !== null);
  }

  /** The master stops or starts anew: workers connect again and carry on. */
  closeAll(message: string): void {
    for (const session of [...this.#live.values()]) session.close(refuse('unavailable', message));
  }
}
