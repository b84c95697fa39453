/** What would become of a task, before anybody submits it: read as a submit reads it, asked of the engine, not stored. */
import type { TaskPreview, TaskSubmission } from '@cloudai/api/rest';
import type { NewTask } from '@cloudai/engine';
import type { MasterContext } from '../context.ts';
import { explanationView } from '../views.ts';
import type { Call, Operations } from './call.ts';
import { findOutcomes } from './parents.ts';
import { Rejected, rejectedBy } from './rejected.ts';
import { homeNamespace, readTasks } from './submit.ts';

export function previewOperations(context: MasterContext): Pick<Operations, 'validateTask'> {
  return {
    async validateTask(call, { namespace: asked, body }) {
      const namespace = homeNamespace(context, call, asked);
      const task = readTask(context, body);
      if (task instanceof Rejected) return refusedBy(task, namespace, null);
      return previewOf(context, call, namespace, task);
    },
  };
}

function readTask(context: MasterContext, body: TaskSubmission): NewTask | Rejected {
  try {
    return readTasks(context, [body], () => '')[0]!;
  } catch (error) {
    if (error instanceof Rejected) return error;
    throw error;
  }
}

async function previewOf(
  context: MasterContext,
  { subject }: Call,
  namespace: string,
  task: NewTask,
): Promise<TaskPreview> {
  const knownOutcomes = await findOutcomes(context, namespace, [task]);
  const { refusal, workerId, placedBy, explanation } = context.loop.engine.preview({
    kind: 'submitTasks',
    namespace,
    owner: subject.user,
    tasks: [task],
    job: null,
    idempotency: null,
    knownOutcomes,
  });
  if (refusal !== null || explanation === null)
    return refusedBy(refusal === null ? new Rejected('internal', 'no answer') : rejectedBy(refusal), namespace, task);
  const { summary, advice, workers, couldEverFit } = explanationView(explanation);
  return {
    namespace,
    accepted: true,
    error: null,
    spec: { ...task.spec },
    wouldStart: {
      when: workerId !== null ? 'now' : couldEverFit ? 'later' : 'never',
      worker: workerId,
      placedBy,
      summary: workerId === null ? summary : `Would start now on ${workerId}`,
      advice,
      workers,
    },
  };
}

function refusedBy({ code, message, details }: Rejected, namespace: string, task: NewTask | null): TaskPreview {
  const field = typeof details?.field === 'string' && details.field !== '' ? details.field : null;
  return {
    namespace,
    accepted: false,
    error: { code, message, field },
    spec: task === null ? null : { ...task.spec },
    wouldStart: null,
  };
}
