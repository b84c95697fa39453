/** The newest row of every task that matches, whenever it has changed. */
import type { TasksSubscription } from '@cloudai/api/watch';
import { readTaskFilter } from '../../operations/task-filter.ts';
import { taskView } from '../../views.ts';
import { callOf } from '../call.ts';
import type { TaskChange } from '../feed.ts';
import type { Source, SourceParts } from '../source.ts';
import { type TaskMatch, taskMatch } from '../task-match.ts';
import { RowReader } from './row-reader.ts';

export function openTasks(parts: SourceParts, request: TasksSubscription): Source {
  const { context, subject, feed, outlet } = parts;
  const { kind: _kind, id: _id, topic: _topic, after, ids, idPrefix, ...query } = request;
  const call = callOf(context, subject, 'listTasks');
  const listed = { ...query, ...(idPrefix === undefined ? {} : { id: idPrefix }) };
  const filter = readTaskFilter(call, listed, context.now());
  const match = taskMatch(filter, ids === undefined ? null : new Set(ids));
  const reader = new RowReader({
    ring: feed.tasks,
    feed,
    outlet,
    after,
    what: 'tasks',
    send(change, sequence) {
      const kind = whatToSay(match, change);
      if (kind === null) return true;
      if (!outlet.hasRoom()) return false;
      if (kind === 'left') outlet.send('left', `"sequence":${sequence},"taskId":"${change.task.id}"}`);
      else outlet.send('task', textOf(change, sequence));
      return true;
    },
  });
  return { sequence: reader.sequence, pump: () => reader.pump(), close: () => {} };
}

function whatToSay(match: TaskMatch, { task, attempts, before }: TaskChange): 'task' | 'left' | null {
  if (!match.couldFit(task)) return null;
  if (match.fits(task, attempts)) return 'task';
  return match.mayHaveFitted(before) ? 'left' : null;
}

function textOf(change: TaskChange, sequence: number): string {
  const newest = change.attempts[change.task.fence - 1] ?? null;
  change.text ??= `"sequence":${sequence},"task":${JSON.stringify(taskView(change.task, newest))}}`;
  return change.text;
}
