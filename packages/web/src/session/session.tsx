/** Who is logged in. Everything below `<LoggedIn>` can rely on somebody being there. */
import type { SessionView } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { createContext, type ReactNode, use } from 'react';
import { ErrorNote } from '../components/note.tsx';
import { client, sessionUntil } from './client.ts';
import { SESSION_KEY } from './keys.ts';
import { LoginPage } from './login-page.tsx';
import { queryClient } from './query-client.ts';

const Session = createContext<SessionView | null>(null);

export function useSession(): SessionView {
  const session = use(Session);
  if (session === null) throw new Error('nobody is logged in here');
  return session;
}

/** What only admins may do is not offered to others; the master refuses it anyway. */
export function useIsAdmin(): boolean {
  return useSession().role === 'admin';
}

export function LoggedIn({ children }: { readonly children: ReactNode }) {
  const { data, error, refetch } = useQuery({
    queryKey: SESSION_KEY,
    queryFn: () => findSession(),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (error !== null)
    return (
      <main className="mx-auto max-w-lg p-6">
        <ErrorNote error={error} onRetry={() => void refetch()} />
      </main>
    );
  if (data === undefined) return null;
  if (data === null) return <LoginPage />;
  return <Session value={data}>{children}</Session>;
}

/** A login code in the address (`cloudai dashboard` opens one) is used up at once and leaves the address. */
async function findSession(): Promise<SessionView | null> {
  const [, code] = /^#login=([\w.-]+)$/.exec(window.location.hash) ?? [];
  if (code !== undefined) {
    history.replaceState(null, '', window.location.pathname + window.location.search);
    return await client.createSession({ code });
  }
  const until = sessionUntil();
  if (until === null || until <= Date.now()) return null;
  try {
    return await client.getSession();
  } catch (error) {
    if ((error as { code?: unknown }).code === 'unauthenticated') return null;
    throw error;
  }
}

export async function logIn(token: string): Promise<void> {
  queryClient.setQueryData(SESSION_KEY, await client.createSession({ token }));
}

export async function logOut(): Promise<void> {
  await client.endSession();
  queryClient.setQueryData(SESSION_KEY, null);
}

/** What the one before has seen; the login page calls it, when nothing is there any more that would ask again. */
export function forget(): void {
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
}
