import { ApiError, type WorkerView } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { Ago } from '../../components/ago.tsx';
import { EventList } from '../../components/event-list.tsx';
import { KeyValues } from '../../components/key-values.tsx';
import { Meter } from '../../components/meter.tsx';
import { Empty, ErrorNote } from '../../components/note.tsx';
import { Page } from '../../components/page.tsx';
import { Panel } from '../../components/panel.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { amount, amountOf, RESOURCE_LABEL, RESOURCES } from '../../format/amount.ts';
import { bytes } from '../../format/bytes.ts';
import { percent } from '../../format/count.ts';
import { loadPage } from '../../layout/load-page.ts';
import { useWorkers } from '../../live/use-workers.ts';
import { client } from '../../session/client.ts';
import { usedShare } from '../workers/used-share.ts';
import { WorkerState } from '../workers/worker-columns.tsx';
import { Labels } from './labels.tsx';
import { RunningTasks } from './running-tasks.tsx';
import { useWorkerEvents } from './use-worker-events.ts';
import { WorkerActions } from './worker-actions.tsx';

const WorkerCharts = lazy(async () => ({
  default: (await loadPage(() => import('./worker-charts.tsx'))).WorkerCharts,
}));

const route = getRouteApi('/workers/$worker');
const TONE = { cpu: 'text-cpu', memory: 'text-memory', storage: 'text-storage', gpu: 'text-gpu' } as const;

export function WorkerPage() {
  const { worker: id } = route.useParams();
  const { rows } = useWorkers();
  const known = rows?.find((worker) => worker.id === id);
  // Revoked workers are not in the list, but still have a past.
  const alone = useQuery({
    queryKey: ['worker', id],
    queryFn: ({ signal }) => client.getWorker(id, { signal }),
    enabled: rows !== undefined && known === undefined,
  });
  const worker = known ?? alone.data;
  if (worker !== undefined) return <WorkerDetails worker={worker} />;
  return (
    <Page title={id}>
      {alone.error instanceof ApiError && alone.error.code === 'worker_unknown' ? (
        <Empty icon="workers" title={`There is no worker ${id}`}>
          Look at <Link to="/workers">all workers</Link>.
        </Empty>
      ) : alone.error !== null ? (
        <ErrorNote error={alone.error} onRetry={() => void alone.refetch()} />
      ) : (
        <SkeletonRows rows={10} />
      )}
    </Page>
  );
}

function WorkerDetails({ worker }: { readonly worker: WorkerView }) {
  const { data: events, error } = useWorkerEvents(worker.id);
  return (
    <Page
      title={worker.id}
      heading={
        <span className="flex flex-wrap items-center gap-3">
          {worker.id} <WorkerState worker={worker} />
        </span>
      }
      lead={<Lead worker={worker} />}
      actions={<WorkerActions worker={worker} />}
    >
      <Shares worker={worker} />
      <Suspense fallback={<SkeletonRows rows={6} />}>
        <WorkerCharts worker={worker} />
      </Suspense>
      <div className="grid gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="flex min-w-0 flex-col gap-4">
          <RunningTasks worker={worker} />
          <Panel title="Events" flush className="max-h-[560px] overflow-y-auto">
            {events !== undefined ? (
              <EventList events={events} without="worker" />
            ) : error !== null ? (
              <ErrorNote error={error} />
            ) : (
              <SkeletonRows />
            )}
          </Panel>
        </div>
        <div className="flex min-w-0 flex-col gap-4">
          <Labels worker={worker} />
          <Panel title="About">
            <KeyValues
              items={[
                ['Address', worker.address],
                ['Connected from', worker.remoteAddress],
                ['Version', worker.version],
                ['Registered', <Ago key="registered" at={worker.registeredAt} />],
                ...worker.gpus.map(
                  ({ index, model, memoryBytes }) => [`GPU ${index}`, `${model}, ${bytes(memoryBytes)}`] as const,
                ),
              ]}
            />
          </Panel>
        </div>
      </div>
    </Page>
  );
}

function Lead({ worker }: { readonly worker: WorkerView }) {
  if (worker.unhealthy !== null) return <span className="text-failed">{worker.unhealthy}</span>;
  if (worker.state === 'registered')
    return 'It has not joined yet. Its join token was shown at registration; register again with the same id for a new one.';
  return (
    <>
      Last seen <Ago at={worker.lastSeenAt} />
      {worker.drain !== null && (
        <span className="text-queued">
          {' · draining since '}
          <Ago at={worker.drain.since} bare />
          {worker.drain.deadlineAt !== null && ` until ${new Date(worker.drain.deadlineAt).toLocaleTimeString()}`}
          {worker.drain.reason !== null && `: ${worker.drain.reason}`}
        </span>
      )}
    </>
  );
}

function Shares({ worker }: { readonly worker: WorkerView }) {
  const { total } = worker;
  if (total === null) return null;
  const shown = RESOURCES.filter((name) => amountOf(total, name) > 0);
  return (
    <dl className="grid gap-px overflow-hidden rounded-lg border bg-line sm:grid-cols-2 xl:auto-cols-fr xl:grid-flow-col">
      {shown.map((name) => {
        const all = amountOf(total, name);
        const used = usedShare(worker, name);
        return (
          <div key={name} className="flex flex-col gap-1.5 bg-surface px-4 py-3">
            <dt className="text-muted">{RESOURCE_LABEL[name]}</dt>
            <dd className="flex items-baseline justify-between gap-2">
              <span>
                <span className="text-page font-semibold">{amount(name, amountOf(worker.allocated, name))}</span>
                <span className="text-muted"> of {amount(name, all)} reserved</span>
              </span>
              <span className="text-muted">{used === null ? '' : `${percent(used)} used`}</span>
            </dd>
            <dd>
              <Meter
                label={`${RESOURCE_LABEL[name]} reserved`}
                allocated={amountOf(worker.allocated, name) / all}
                used={used}
                tone={TONE[name]}
              />
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
