import type { Ledger } from '../model/ledger.ts';
import type { Task } from '../model/task.ts';
import type { Worker } from '../model/worker.ts';
import type { TaskFacts } from '../policy/policy.ts';
import type { Candidacy } from './candidates.ts';
import { factsOf } from './queue.ts';

/** What a task, or a class of tasks, wants from the cluster and from its namespace's quota. */
export interface Claim extends Candidacy {
  readonly namespace: string;
  readonly facts: TaskFacts;
}

export function claimOf(task: Task, failedOn: readonly string[]): Claim {
  const { request, targetWorker, selector, terms } = task.spec;
  const where = { targetWorker, selector, avoid: task.suspectWorkers, failedOn };
  const facts = { ...factsOf(task), deadlineAt: task.spec.deadlineAt };
  return { namespace: task.namespace, request, facts, ...where, ...(terms === undefined ? {} : { terms }) };
}

/** A worker in any condition; without a ledger until it has told its capacity. */
export interface KnownWorker {
  readonly worker: Worker;
  readonly ledger: Ledger | null;
}
