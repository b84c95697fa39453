/** Counts what happened to tasks between two samples of the cluster. */
import type { Change, EventKind } from '@cloudai/engine';
import type { CLUSTER_COUNTS } from './fields.ts';

type Count = (typeof CLUSTER_COUNTS)[number];

const COUNT_OF: Partial<Record<EventKind, Count>> = {
  task_submitted: 'submitted',
  task_running: 'started',
  task_completed: 'completed',
  task_failed: 'failed',
  task_cancelled: 'cancelled',
};

export class ClusterCounter {
  #counts = zero();

  onCommitted(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind !== 'event') continue;
      const count = COUNT_OF[change.row.kind];
      if (count !== undefined) this.#counts[count] += 1;
    }
  }

  take(): Readonly<Record<Count, number>> {
    const counts = this.#counts;
    this.#counts = zero();
    return counts;
  }
}

function zero(): Record<Count, number> {
  return { submitted: 0, started: 0, completed: 0, failed: 0, cancelled: 0 };
}
