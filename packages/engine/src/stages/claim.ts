import type { Ledger } from '../model/ledger.ts';
import type { Task } from '../model/task.ts';
import type { Worker } from '../model/worker.ts';
import type { Candidacy } from './candidates.ts';

/** What a task, or a class of tasks, wants from the cluster and from its namespace's quota. */
export interface Claim extends Candidacy {
  readonly namespace: string;
}

export function claimOf(task: Task, failedOn: readonly string[]): Claim {
  const { request, targetWorker, selector } = task.spec;
  return { namespace: task.namespace, request, targetWorker, selector, avoid: task.suspectWorkers, failedOn };
}

/** A worker in any condition; without a ledger until it has told its capacity. */
export interface KnownWorker {
  readonly worker: Worker;
  readonly ledger: Ledger | null;
}
