import type { ClusterView } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Ago } from '../../components/ago.tsx';
import { Icon } from '../../components/icon.tsx';
import { Panel } from '../../components/panel.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { shortId, words } from '../../format/words.ts';
import { useNow } from '../../live/clock.ts';
import { useTaskList } from '../../live/use-task-list.ts';
import { useWorkers } from '../../live/use-workers.ts';
import { client } from '../../session/client.ts';
import { type Concern, concernsOf } from './concerns.ts';

const FAILED = { state: 'failed' } as const;
const MOST_SHOWN = 8;
const LATELY_MS = 86_400_000;
const WAITING_EVERY_MS = 5_000;

/** What a person should look at: workers that are in trouble, tasks that can never start, tasks that failed lately. */
export function Attention({ cluster }: { readonly cluster: ClusterView | undefined }) {
  const { rows: workers } = useWorkers();
  const { rows: failed, isPending } = useTaskList(FAILED);
  const { data: queue } = useQuery({
    queryKey: ['queue', 'head'],
    queryFn: ({ signal }) => client.getQueue({ limit: 20 }, { signal }),
    refetchInterval: WAITING_EVERY_MS,
  });
  const isLoading = cluster === undefined || workers === undefined || isPending;
  const since = new Date(useNow() - LATELY_MS).toISOString();
  const recent = failed.filter(({ endedAt }) => endedAt !== null && endedAt >= since);
  const concerns = isLoading ? [] : concernsOf({ cluster, workers, failed: recent, queue: queue?.items ?? [] });
  return (
    <Panel
      title="Needs attention"
      flush
      actions={concerns.length > 0 && <span className="text-muted">{concerns.length}</span>}
    >
      {isLoading ? (
        <SkeletonRows rows={4} />
      ) : concerns.length === 0 ? (
        <p className="flex items-center gap-2 p-4 text-muted">
          <Icon name="check" className="text-completed" /> Nothing. Every worker is well, and no task failed within a
          day.
        </p>
      ) : (
        <ul className="divide-y">
          {concerns.slice(0, MOST_SHOWN).map((concern) => (
            <li key={concern.key} className="flex items-start gap-3 px-4 py-2.5">
              <Icon name="warning" className={`mt-0.5 ${concern.isSevere ? 'text-failed' : 'text-queued'}`} />
              <div className="min-w-0 flex-1">
                <ConcernText concern={concern} />
              </div>
              {concern.at !== null && (
                <span className="text-small text-faint">
                  <Ago at={concern.at} />
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {concerns.length > MOST_SHOWN && (
        <p className="border-t px-4 py-2 text-small">
          <Link to="/tasks" search={FAILED}>
            All failed tasks
          </Link>
        </p>
      )}
    </Panel>
  );
}

function ConcernText({ concern }: { readonly concern: Concern }) {
  const { subject } = concern;
  return (
    <>
      <p className="truncate">
        {subject.kind === 'task' ? (
          <Link to="/tasks/$task" params={{ task: subject.task.id }} search={{}} className="font-medium">
            {subject.task.name ?? shortId(subject.task.id)}
          </Link>
        ) : subject.kind === 'worker' ? (
          <Link to="/workers/$worker" params={{ worker: subject.id }} className="font-medium">
            {subject.id}
          </Link>
        ) : (
          <span className="font-medium">The master</span>
        )}{' '}
        <span className="text-muted">{words(concern.what)}</span>
      </p>
      {concern.message !== null && (
        <p className="truncate text-small text-muted" title={concern.message}>
          {concern.message}
        </p>
      )}
    </>
  );
}
