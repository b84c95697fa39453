/** Every address of the dashboard. Pages are loaded when they are first opened. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { ErrorNote } from './components/note.tsx';
import { loadPage } from './layout/load-page.ts';
import { NotFoundPage } from './layout/not-found-page.tsx';
import { Shell } from './layout/shell.tsx';
import { eventFilter } from './pages/events/event-filter.ts';
import { OverviewPage } from './pages/overview/overview-page.tsx';
import { submitSearch } from './pages/submit/submit-search.ts';
import { taskTab } from './pages/task/task-tab.ts';
import { taskFilter } from './pages/tasks/task-filter.ts';
import { topologySearch } from './pages/topology/topology-search.ts';

const root = createRootRoute({ component: Shell, notFoundComponent: NotFoundPage });

const routes = [
  createRoute({ getParentRoute: () => root, path: '/', component: OverviewPage }),
  createRoute({
    getParentRoute: () => root,
    path: '/tasks',
    validateSearch: taskFilter,
    component: lazyRouteComponent(() => loadPage(() => import('./pages/tasks/tasks-page.tsx')), 'TasksPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/tasks/$task',
    validateSearch: taskTab,
    component: lazyRouteComponent(() => loadPage(() => import('./pages/task/task-page.tsx')), 'TaskPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/submit',
    validateSearch: submitSearch,
    component: lazyRouteComponent(() => loadPage(() => import('./pages/submit/submit-page.tsx')), 'SubmitPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/workers',
    component: lazyRouteComponent(() => loadPage(() => import('./pages/workers/workers-page.tsx')), 'WorkersPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/workers/$worker',
    component: lazyRouteComponent(() => loadPage(() => import('./pages/worker/worker-page.tsx')), 'WorkerPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/topology',
    validateSearch: topologySearch,
    component: lazyRouteComponent(() => loadPage(() => import('./pages/topology/topology-page.tsx')), 'TopologyPage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/queue',
    component: lazyRouteComponent(() => loadPage(() => import('./pages/queue/queue-page.tsx')), 'QueuePage'),
  }),
  createRoute({
    getParentRoute: () => root,
    path: '/events',
    validateSearch: eventFilter,
    component: lazyRouteComponent(() => loadPage(() => import('./pages/events/events-page.tsx')), 'EventsPage'),
  }),
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes),
  defaultPreload: 'intent',
  // What is on screen stays until the next page is there.
  defaultPendingMs: 500,
  scrollRestoration: true,
  defaultErrorComponent: ({ error, reset }) => (
    <div className="p-6">
      <ErrorNote error={error} onRetry={reset} />
    </div>
  ),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
