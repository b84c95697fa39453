/** What would become of a task if it were submitted now. Only reads: the queue that is placed from is made for the answer. */
import type { Rejection, SubmitTasks } from '../command.ts';
import type { Explanation } from '../explain.ts';
import type { EngineState } from '../state.ts';
import { Step } from '../step.ts';
import { admissionProblem, newRow } from './admit.ts';
import { explain } from './explain.ts';
import { place } from './place.ts';
import { WaitingQueue } from './queue.ts';
import { explainView } from './schedule.ts';

/** What would become of a task that is not submitted yet. */
export interface Preview {
  /** The submit would be refused: nothing else is known then. */
  readonly refusal: Rejection | null;
  /** Where it would start at once; null when it would wait. */
  readonly workerId: string | null;
  /** The policy and the score that would decide. */
  readonly placedBy: string | null;
  readonly explanation: Explanation | null;
}

/** For a call with one task. */
export function preview(state: EngineState, command: SubmitTasks): Preview {
  const step = new Step(state, state.now);
  const refusal = admissionProblem(step, command);
  if (refusal !== null) return { refusal, workerId: null, placedBy: null, explanation: null };
  const task = newRow(step, command, command.tasks[0]!, state.cluster.taskSequence + 1);
  const view = explainView(state);
  const queue = new WaitingQueue();
  if (task.state === 'queued') queue.add(task);
  // Those that wait already do so because they fit nowhere now, so it competes with nobody for what is free.
  const { cursor, knowledge, policy, quota } = view;
  const seed = state.cluster.eventSequence;
  const plan = place({ queue, workers: state.rooms(), cursor, knowledge, seed, quota }, policy, 1);
  const [start] = plan.assignments;
  return {
    refusal: null,
    workerId: start?.workerId ?? null,
    placedBy: start?.placedBy ?? null,
    explanation: explain(task, view, state.now),
  };
}
