import { lazy, Suspense } from 'react';
import { ErrorNote } from '../../components/note.tsx';
import { Page } from '../../components/page.tsx';
import { Panel } from '../../components/panel.tsx';
import { Skeleton, SkeletonRows } from '../../components/skeleton.tsx';
import { duration } from '../../format/duration.ts';
import { loadPage } from '../../layout/load-page.ts';
import { useNow } from '../../live/clock.ts';
import { useCluster } from '../../live/use-cluster.ts';
import { Attention } from './attention.tsx';
import { Capacity } from './capacity.tsx';
import { TaskStates } from './task-states.tsx';

// The numbers are there before the charts' code is.
const History = lazy(async () => ({ default: (await loadPage(() => import('./history.tsx'))).History }));

export function OverviewPage() {
  const { data: cluster, error, refetch } = useCluster();
  const now = useNow();
  if (cluster === undefined && error !== null)
    return (
      <Page title="Overview">
        <ErrorNote error={error} onRetry={() => void refetch()} />
      </Page>
    );
  return (
    <Page
      title="Overview"
      lead={
        cluster === undefined ? (
          <Skeleton className="h-5 w-72" />
        ) : (
          <>
            Cluster <code className="font-mono text-small text-ink">{cluster.clusterId}</code> · version{' '}
            {cluster.version} · up {duration(now - Date.parse(cluster.startedAt))} · placement{' '}
            <span className="text-ink">{cluster.placement}</span>
          </>
        )
      }
    >
      <TaskStates cluster={cluster} />
      <div className="grid gap-4 xl:grid-cols-2">
        <Capacity cluster={cluster} />
        <Attention cluster={cluster} />
      </div>
      <Suspense
        fallback={
          <Panel title="Over time">
            <SkeletonRows rows={8} />
          </Panel>
        }
      >
        <History />
      </Suspense>
    </Page>
  );
}
