/** A waiting task moves in the queue. */
import { type Command, type Reply, reject } from '../command.ts';
import { integerProblem, MAX_PRIORITY } from '../model/spec.ts';
import { isTerminal, isWaiting } from '../model/task.ts';
import type { Step } from '../step.ts';
import { changeTask, taskEvent } from '../transitions.ts';

type SetPriority = Extract<Command, { kind: 'setPriority' }>;

/** Moves a waiting task in the queue; its spec keeps what was asked for. */
export function setPriority(step: Step, command: SetPriority): Reply {
  const task = step.state.tasks.get(command.taskId);
  if (task === undefined) return reject('task_unknown', `Task ${command.taskId} does not exist.`);
  if (command.ifVersion !== undefined && command.ifVersion !== task.version)
    return reject(
      'precondition_failed',
      `Task ${task.id} has version ${task.version} by now, not ${command.ifVersion}; read it again.`,
    );
  if (isTerminal(task.state)) return reject('task_ended', `Task ${task.id} has ended (${task.state}).`);
  if (!isWaiting(task.state))
    return reject(
      'task_not_waiting',
      `Task ${task.id} is ${task.state}; only a waiting task can be moved in the queue.`,
    );
  const problem = integerProblem('priority', command.priority, 0, MAX_PRIORITY);
  if (problem !== null) return reject('invalid_argument', problem);
  if (task.priority === command.priority) return { ok: true, kind: 'done' };
  const row = changeTask(step, task.id, { priority: command.priority });
  taskEvent(step, 'task_priority_set', row, { by: command.by, message: `${task.priority} → ${command.priority}` });
  return { ok: true, kind: 'done' };
}
