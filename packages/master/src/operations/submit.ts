/** The way of a submit from the request to the durable answer; single tasks, jobs and retries share it. */
import { hash } from 'node:crypto';
import type { TaskSubmission } from '@cloudai/api/rest';
import type { Accepted, NewTask } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { type Call, mayReach, submit } from './call.ts';
import { findOutcomes, readParents } from './parents.ts';
import { Rejected } from './rejected.ts';
import { readSubmission } from './submission.ts';

/** Where a submit without a namespace goes. */
const DEFAULT_NAMESPACE = 'default';

export interface Submission {
  readonly namespace: string;
  readonly tasks: readonly NewTask[];
  readonly job: { readonly id: string; readonly name: string | null } | null;
  /** What the Idempotency-Key stands for: the same key with another of these is a conflict. */
  readonly request: unknown;
}

/** `at` is the path to a task in the request, for messages. */
export function readTasks(
  context: MasterContext,
  submissions: readonly TaskSubmission[],
  at: (index: number) => string,
): NewTask[] {
  const ids = submissions.map(() => context.newId());
  const parents = readParents(submissions, ids, at);
  return submissions.map((submission, index) => ({
    id: ids[index]!,
    name: submission.name ?? null,
    spec: readSubmission(submission, at(index), parents[index]!),
    retryOf: null,
  }));
}

/** All or nothing. Resolves once it is durable. */
export async function submitTasks(
  context: MasterContext,
  call: Call,
  submission: Submission,
): Promise<Extract<Accepted, { kind: 'submitted' }>> {
  const { namespace, tasks, job } = submission;
  if (call.idempotencyKey !== null) checkIdempotencyKey(call.idempotencyKey);
  return submit(
    context,
    {
      kind: 'submitTasks',
      namespace,
      owner: call.subject.user,
      tasks,
      job,
      idempotency:
        call.idempotencyKey === null
          ? null
          : {
              key: call.idempotencyKey,
              bodyHash: hash('sha256', JSON.stringify([call.operation, submission.request])),
            },
      knownOutcomes: await findOutcomes(context, namespace, tasks),
    },
    'submitted',
  );
}

/** The namespace of a submit: the one asked for, else `default` for its members, else the caller's first. */
export function homeNamespace(context: MasterContext, call: Call, asked: string | undefined): string {
  const usual = mayReach(call, DEFAULT_NAMESPACE) ? DEFAULT_NAMESPACE : call.subject.namespaces[0];
  const namespace = asked ?? usual;
  if (namespace === undefined)
    throw new Rejected('namespace_unknown', `${call.subject.user} is a member of no namespace; an admin can add one`);
  if (!mayReach(call, namespace) || context.loop.engine.namespace(namespace) === null)
    throw new Rejected(
      'namespace_unknown',
      `No namespace has the name ${namespace}; list namespaces to see what there is`,
    );
  return namespace;
}

function checkIdempotencyKey(key: string): void {
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new Rejected(
      'invalid_argument',
      'Idempotency-Key: up to 255 printable characters without spaces are allowed',
      {
        field: 'Idempotency-Key',
      },
    );
}
