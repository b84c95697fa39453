/** The waiting tasks in the order in use, for those who look at the queue. */
import type { TaskId } from '../model/task.ts';
import { priority } from '../policy/orders/priority.ts';
import type { EngineState } from '../state.ts';
import { OrderedPass, sizeOf, type TaskWalk } from './ordered-pass.ts';
import { orderOf } from './schedule.ts';

/** Under orders that are worked out task by task, places beyond this are not looked for. */
const FARTHEST = 10_000;

export function walkWaiting(state: EngineState): TaskWalk {
  const order = orderOf(state);
  if (order === null || order.policy === priority) return state.queue.pass();
  return new OrderedPass(state.queue.strands(order.policy.within), order, sizeOf(state.rooms()));
}

/** 1 = next of all; null if it is not queued, or too far back to be found soon. */
export function positionOf(state: EngineState, taskId: TaskId): number | null {
  if (isQueuesOwn(state)) return state.queue.position(taskId);
  if (!state.queue.has(taskId)) return null;
  const walk = walkWaiting(state);
  for (let place = 1; place <= FARTHEST; place++) if (walk.next()?.taskId === taskId) return place;
  return null;
}

/** Ids in order, `count` of them from position `from` (1 = next of all). */
export function waitingFrom(state: EngineState, from: number, count: number): TaskId[] {
  if (isQueuesOwn(state)) return state.queue.slice(from, count);
  const found: TaskId[] = [];
  const walk = walkWaiting(state);
  for (let place = 1; found.length < count; place++) {
    const entry = walk.next();
    if (entry === null) break;
    if (place >= from) found.push(entry.taskId);
  }
  return found;
}

function isQueuesOwn(state: EngineState): boolean {
  const order = orderOf(state);
  return order === null || order.policy === priority;
}
