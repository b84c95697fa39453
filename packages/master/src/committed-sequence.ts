import type { Loop } from './context.ts';

/** The sequence of the newest event that is durable. What is read from now on, of engine or store, is at least as new. */
export class CommittedSequence {
  #newest: number;

  /** Made before the master is asked anything: then the engine shows nothing that a later answer would not have. */
  constructor(loop: Loop) {
    this.#newest = loop.engine.cluster().eventSequence;
    loop.onCommitted((changes) => {
      for (const change of changes)
        if (change.kind === 'event' && change.row.sequence > this.#newest) this.#newest = change.row.sequence;
    });
  }

  get newest(): number {
    return this.#newest;
  }
}
