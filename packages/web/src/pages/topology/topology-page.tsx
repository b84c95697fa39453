import type { TaskView, WorkerView } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Empty, ErrorNote } from '../../components/note.tsx';
import { Page } from '../../components/page.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { amount, amountOf, amountWithUnit, RESOURCE_LABEL, RESOURCES, type ResourceName } from '../../format/amount.ts';
import { percent } from '../../format/count.ts';
import { shortId } from '../../format/words.ts';
import { useWorkers } from '../../live/use-workers.ts';
import { client } from '../../session/client.ts';
import { WorkerState } from '../workers/worker-columns.tsx';
import { ownerTones } from './owner-tones.ts';

const route = getRouteApi('/topology');

const NAMES_EVERY_MS = 5_000;
const MOST_NAMES = 10_000;

/** Every worker with every task on it, drawn to the scale of one resource. */
export function TopologyPage() {
  const { by = 'cpu' } = route.useSearch();
  const navigate = useNavigate();
  const { rows: workers, error, refetch } = useWorkers();
  const { data: tasks } = useQuery({
    queryKey: ['tasks', 'placed'],
    queryFn: () => client.listTasks({ state: 'assigned,running', limit: 1000 }).take(MOST_NAMES),
    refetchInterval: NAMES_EVERY_MS,
  });
  const byId = new Map(tasks?.map((task) => [task.id, task]));
  const tones = ownerTones(tasks?.map(({ owner }) => owner) ?? []);
  const shown = workers?.filter(({ state }) => state !== 'registered') ?? [];
  return (
    <Page
      title="Topology"
      lead="Every worker, and what each task holds of it."
      actions={
        <div role="group" aria-label="Resource" className="flex rounded-md border border-control">
          {RESOURCES.map((name) => (
            <button
              key={name}
              type="button"
              aria-pressed={by === name}
              onClick={() =>
                void navigate({ to: '/topology', search: name === 'cpu' ? {} : { by: name }, replace: true })
              }
              className="h-8 border-r border-control px-3 font-medium text-muted last:border-r-0 hover:text-ink aria-pressed:bg-accent-soft aria-pressed:text-accent"
            >
              {RESOURCE_LABEL[name]}
            </button>
          ))}
        </div>
      }
    >
      {error !== null && workers === undefined && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {tones.size > 0 && (
        <ul className="flex flex-wrap gap-x-4 gap-y-1 text-small text-muted" aria-label="Owners by colour">
          {[...tones].map(([owner, tone]) => (
            <li key={owner} className="flex items-center gap-1.5">
              <span className={`size-2.5 rounded-sm bg-current ${tone}`} /> {owner}
            </li>
          ))}
          <li className="flex items-center gap-1.5">
            <span className="size-2.5 rounded-sm bg-sunken ring-1 ring-line-strong ring-inset" /> free
          </li>
        </ul>
      )}
      {workers === undefined ? (
        <SkeletonRows rows={8} />
      ) : shown.length === 0 ? (
        <div className="rounded-lg border bg-surface">
          <Empty icon="topology" title="No worker has joined yet">
            <Link to="/workers">Register one</Link>.
          </Empty>
        </div>
      ) : (
        <ul className="grid gap-3 lg:grid-cols-2 2xl:grid-cols-3">
          {shown.map((worker) => (
            <Block key={worker.id} worker={worker} by={by} byId={byId} tones={tones} />
          ))}
        </ul>
      )}
    </Page>
  );
}

interface BlockProps {
  readonly worker: WorkerView;
  readonly by: ResourceName;
  readonly byId: ReadonlyMap<string, TaskView>;
  readonly tones: ReadonlyMap<string, string>;
}

function Block({ worker, by, byId, tones }: BlockProps) {
  const total = worker.total === null ? 0 : amountOf(worker.total, by);
  const held = amountOf(worker.allocated, by);
  const tasks = worker.runningTasks.toSorted((a, b) => amountOf(b.resources, by) - amountOf(a.resources, by));
  return (
    <li className="rounded-lg border bg-surface p-3 [contain-intrinsic-size:auto_112px] [content-visibility:auto]">
      <div className="mb-2 flex items-center gap-3">
        <Link to="/workers/$worker" params={{ worker: worker.id }} className="truncate font-semibold">
          {worker.id}
        </Link>
        <WorkerState worker={worker} />
        <span className="ml-auto text-small whitespace-nowrap text-muted">
          {total === 0
            ? `no ${RESOURCE_LABEL[by]}`
            : `${amount(by, held)} of ${amount(by, total)} · ${percent(held / total)}`}
        </span>
      </div>
      <ul className="flex h-11 gap-px overflow-hidden rounded-md bg-sunken ring-1 ring-line ring-inset">
        {tasks.map(({ taskId, attempt, resources, state }) => {
          const task = byId.get(taskId);
          const share = total === 0 ? 0 : amountOf(resources, by) / total;
          if (share === 0) return null;
          const name = task?.name ?? shortId(taskId);
          return (
            <li key={`${taskId}/${attempt}`} className="min-w-1" style={{ width: `${share * 100}%` }}>
              <Link
                to="/tasks/$task"
                params={{ task: taskId }}
                search={{}}
                title={`${name}: ${amountWithUnit(by, amountOf(resources, by))}, ${state}${task === undefined ? '' : `, ${task.owner}`}`}
                aria-label={`${name}, ${amountWithUnit(by, amountOf(resources, by))}, ${state}`}
                className={`tint-strong flex h-full items-center overflow-hidden border-l-3 border-current px-1.5 no-underline -outline-offset-2 hover:brightness-95 ${tones.get(task?.owner ?? '') ?? 'text-muted'}`}
              >
                <span className="truncate text-small font-medium text-ink">{name}</span>
              </Link>
            </li>
          );
        })}
      </ul>
    </li>
  );
}
