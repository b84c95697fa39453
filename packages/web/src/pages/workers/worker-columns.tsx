import type { WorkerView } from '@cloudai/sdk';
import { Link } from '@tanstack/react-router';
import { Ago } from '../../components/ago.tsx';
import type { Column } from '../../components/data-grid.tsx';
import { Meter } from '../../components/meter.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { amount, amountOf, RESOURCE_LABEL, type ResourceName } from '../../format/amount.ts';
import { usedShare } from './used-share.ts';

const TONE = { cpu: 'text-cpu', memory: 'text-memory', storage: 'text-storage', gpu: 'text-gpu' } as const;

export const WORKER_COLUMNS: readonly Column<WorkerView>[] = [
  { key: 'state', header: 'State', track: '104px', cell: (worker) => <WorkerState worker={worker} /> },
  {
    key: 'id',
    header: 'Worker',
    track: 'minmax(112px, 1.5fr)',
    cell: ({ id }) => (
      <Link
        to="/workers/$worker"
        params={{ worker: id }}
        tabIndex={-1}
        className="font-medium no-underline hover:underline"
      >
        {id}
      </Link>
    ),
  },
  resource('cpu', 460),
  resource('memory', 620),
  resource('storage', 980),
  resource('gpu', 1120),
  { key: 'tasks', header: 'Tasks', track: '48px', right: true, cell: ({ runningTasks }) => runningTasks.length },
  {
    key: 'labels',
    header: 'Labels',
    track: 'minmax(120px, 1fr)',
    from: 1240,
    cell: ({ labels }) => (
      <span className="text-small text-muted">
        {Object.entries(labels)
          .map(([key, value]) => `${key}=${value}`)
          .join(', ')}
      </span>
    ),
  },
  {
    key: 'seen',
    header: 'Last seen',
    track: '72px',
    right: true,
    from: 760,
    cell: ({ lastSeenAt }) => <Ago at={lastSeenAt} />,
  },
];

export function WorkerState({ worker }: { readonly worker: WorkerView }) {
  if (worker.state === 'active' && worker.unhealthy !== null) return <StateBadge state="unhealthy" />;
  if (worker.state === 'active' && worker.drain !== null) return <StateBadge state="draining" />;
  return <StateBadge state={worker.state} />;
}

function resource(name: ResourceName, from: number): Column<WorkerView> {
  return {
    key: name,
    header: RESOURCE_LABEL[name],
    track: 'minmax(128px, 1fr)',
    from,
    cell: (worker) => {
      const total = worker.total === null ? 0 : amountOf(worker.total, name);
      if (total === 0) return <span className="text-faint">–</span>;
      const allocated = amountOf(worker.allocated, name);
      return (
        <span className="flex flex-col gap-1">
          <span className="text-small leading-4">
            {amount(name, allocated)} <span className="text-muted">of {amount(name, total)}</span>
          </span>
          <Meter
            label={`${RESOURCE_LABEL[name]} reserved`}
            allocated={allocated / total}
            used={usedShare(worker, name)}
            tone={TONE[name]}
            className="h-1.5"
          />
        </span>
      );
    },
  };
}
