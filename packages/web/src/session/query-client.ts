import { ApiError } from '@cloudai/sdk';
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { SESSION_KEY } from './keys.ts';

/** What the watch keeps up to date is not asked for again; this is for what it does not reach. */
const FRESH_MS = 10_000;

function endSessionOn(error: unknown): void {
  if (error instanceof ApiError && error.code === 'unauthenticated') queryClient.setQueryData(SESSION_KEY, null);
}

export const queryClient: QueryClient = new QueryClient({
  // The client itself repeats what can be repeated.
  defaultOptions: {
    queries: { retry: false, staleTime: FRESH_MS, refetchOnWindowFocus: false },
    mutations: { retry: false },
  },
  queryCache: new QueryCache({ onError: endSessionOn }),
  mutationCache: new MutationCache({ onError: endSessionOn }),
});
