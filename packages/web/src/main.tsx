import './styles.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Notices } from './components/toast.tsx';
import { LiveUpdates } from './live/live.tsx';
import { router } from './router.tsx';
import { queryClient } from './session/query-client.ts';
import { LoggedIn } from './session/session.tsx';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <LoggedIn>
        <LiveUpdates>
          <RouterProvider router={router} />
        </LiveUpdates>
      </LoggedIn>
      <Notices />
    </QueryClientProvider>
  </StrictMode>,
);
