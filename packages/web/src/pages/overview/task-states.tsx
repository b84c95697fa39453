import type { ClusterView } from '@cloudai/sdk';
import { Link } from '@tanstack/react-router';
import { Skeleton } from '../../components/skeleton.tsx';
import { toneOf } from '../../components/state-badge.tsx';
import { compactCount, count } from '../../format/count.ts';
import { duration } from '../../format/duration.ts';

const STATES = ['running', 'assigned', 'queued', 'pending', 'completed', 'failed', 'cancelled'] as const;

/** Tasks by state, each a way to the list of them; the wait stands beside the queue. */
export function TaskStates({ cluster }: { readonly cluster: ClusterView | undefined }) {
  return (
    <ul className="grid grid-cols-2 gap-px overflow-hidden rounded-lg border bg-line sm:grid-cols-4 xl:grid-cols-7">
      {STATES.map((state) => (
        <li key={state} className="bg-surface max-xl:last:col-span-2">
          <Link
            to="/tasks"
            search={{ state }}
            className="flex h-full flex-col gap-1 px-4 py-3 no-underline -outline-offset-2 hover:bg-hover"
          >
            <span className="flex items-center gap-2 text-muted">
              <span className={`size-2 rounded-full bg-current ${toneOf(state)}`} />
              {state}
            </span>
            {cluster === undefined ? (
              <Skeleton className="h-8 w-16" />
            ) : (
              <span
                className="tabular text-figure font-semibold tracking-tight"
                title={count(cluster.tasks[state] ?? 0)}
              >
                {figure(cluster.tasks[state] ?? 0)}
              </span>
            )}
            <span className="min-h-4 text-small text-faint">
              {cluster !== undefined && state === 'queued' && waitOf(cluster)}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function figure(value: number): string {
  return value < 100_000 ? count(value) : compactCount(value);
}

function waitOf({ queueDepth, oldestWaitMs }: ClusterView): string {
  return queueDepth === 0 ? 'nobody waits' : `longest wait ${duration(oldestWaitMs)}`;
}
