import type { EventView, TaskDetail } from '@cloudai/sdk';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { client } from '../session/client.ts';
import { taskEventsKey, taskKey } from './keys.ts';
import { useTopic } from './live.tsx';

/** A timeline is short; what goes beyond is cut off. */
const MOST_EVENTS = 2_000;

/** The row as the watch has it; attempts are asked for anew with each change of it. */
export function useTask(task: string) {
  const cache = useQueryClient();
  const key = taskKey(task);
  const synced = useRef<string | undefined>(undefined);
  const detail = useQuery({ queryKey: key, queryFn: ({ signal }) => client.getTask(task, { signal }) });
  const id = detail.data?.task.id;
  useTopic('tasks', id === undefined ? null : { ids: [id] }, (update) => {
    if (update.kind === 'left') return;
    if (update.kind === 'task') {
      const known = cache.getQueryData<TaskDetail>(key);
      if (known !== undefined && known.task.version >= update.task.version) return;
      if (known !== undefined) cache.setQueryData<TaskDetail>(key, { ...known, task: update.task });
    }
    // The first `synced` is for what happened between the answer and the subscription.
    if (update.kind === 'synced' && synced.current === id) return;
    if (update.kind === 'synced') synced.current = id;
    void cache.invalidateQueries({ queryKey: key, exact: true });
  });
  return detail;
}

export function useTaskEvents(task: string) {
  const cache = useQueryClient();
  const key = taskEventsKey(task);
  const events = useQuery({
    queryKey: key,
    queryFn: async () => ({ items: await client.listTaskEvents(task).take(MOST_EVENTS) }),
  });
  // Where the timeline stood when it was first read: the subscription goes on from there, once.
  const [start, setStart] = useState<{ readonly task: string; readonly after: number } | null>(null);
  if (events.data !== undefined && start?.task !== task)
    setStart({ task, after: events.data.items.at(-1)?.sequence ?? 0 });
  const filter = start?.task === task ? { task, after: start.after } : null;
  useTopic('events', filter, (update) => {
    if (update.kind !== 'event') return;
    cache.setQueryData<{ items: EventView[] }>(key, (data) => ({ items: withEvent(data?.items ?? [], update.event) }));
  });
  return { ...events, data: events.data?.items };
}

function withEvent(events: EventView[], event: EventView): EventView[] {
  if ((events.at(-1)?.sequence ?? 0) >= event.sequence) return events;
  return [...events, event].slice(-MOST_EVENTS);
}
