import type { EventView } from '@cloudai/sdk';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTopic } from '../../live/live.tsx';
import { client } from '../../session/client.ts';

const SHOWN = 200;

/** The newest events of a worker, oldest first, and what comes. */
export function useWorkerEvents(worker: string) {
  const cache = useQueryClient();
  const key = ['worker', worker, 'events'];
  const events = useQuery({
    queryKey: key,
    queryFn: async () =>
      (await client.listWorkerEvents(worker, { order: 'newest', limit: SHOWN }).take(SHOWN)).reverse(),
  });
  useTopic('events', { worker }, (update) => {
    if (update.kind !== 'event') return;
    cache.setQueryData<EventView[]>(key, (list) => {
      if (list === undefined || (list.at(-1)?.sequence ?? 0) >= update.event.sequence) return list;
      return [...list, update.event].slice(-SHOWN);
    });
  });
  return events;
}
