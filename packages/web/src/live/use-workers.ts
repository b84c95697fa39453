import { useQuery } from '@tanstack/react-query';
import { client } from '../session/client.ts';
import { WORKERS_KEY } from './keys.ts';

/** Above this a page of workers is cut off, and says so. */
export const MOST_WORKERS = 10_000;

export function useWorkers() {
  return useQuery({ queryKey: WORKERS_KEY, queryFn: () => client.listWorkers().take(MOST_WORKERS) });
}
