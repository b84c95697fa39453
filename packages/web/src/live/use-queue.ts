import { useQuery, useQueryClient } from '@tanstack/react-query';
import { client } from '../session/client.ts';
import { QUEUE_KEY } from './keys.ts';
import { useTopic } from './live.tsx';

/** Of the head of the queue; whoever waits further back is in the task list. */
export const QUEUE_SHOWN = 500;

export function useQueue() {
  const cache = useQueryClient();
  useTopic('queue', { limit: QUEUE_SHOWN }, ({ queue }) => cache.setQueryData(QUEUE_KEY, queue));
  return useQuery({
    queryKey: QUEUE_KEY,
    queryFn: ({ signal }) => client.getQueue({ limit: QUEUE_SHOWN }, { signal }),
  });
}
