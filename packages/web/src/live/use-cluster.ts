import { useQuery, useQueryClient } from '@tanstack/react-query';
import { client } from '../session/client.ts';
import { CLUSTER_KEY } from './keys.ts';
import { useTopic } from './live.tsx';

export function useCluster() {
  return useQuery({ queryKey: CLUSTER_KEY, queryFn: ({ signal }) => client.getCluster({ signal }) });
}

/** Keeps the cluster's numbers up to date for all that show them; the shell calls it once. */
export function useClusterUpdates(): void {
  const cache = useQueryClient();
  useTopic('cluster', {}, ({ cluster }) => cache.setQueryData(CLUSTER_KEY, cluster));
}
