import { useQuery } from '@tanstack/react-query';
import { client } from '../session/client.ts';
import { taskEventsKey, taskKey } from './keys.ts';

/** A timeline is short; what goes beyond is cut off. */
const MOST_EVENTS = 2_000;

export function useTask(task: string) {
  return useQuery({ queryKey: taskKey(task), queryFn: ({ signal }) => client.getTask(task, { signal }) });
}

export function useTaskEvents(task: string) {
  return useQuery({ queryKey: taskEventsKey(task), queryFn: () => client.listTaskEvents(task).take(MOST_EVENTS) });
}
