import { useQuery } from '@tanstack/react-query';
import { client } from '../session/client.ts';
import { CLUSTER_KEY } from './keys.ts';

export function useCluster() {
  return useQuery({ queryKey: CLUSTER_KEY, queryFn: ({ signal }) => client.getCluster({ signal }) });
}
