import type { ExplanationView, TaskView } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Icon } from '../../components/icon.tsx';
import { Meter } from '../../components/meter.tsx';
import { Empty, ErrorNote } from '../../components/note.tsx';
import { Panel } from '../../components/panel.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { amount, RESOURCE_LABEL, type ResourceName } from '../../format/amount.ts';
import { duration } from '../../format/duration.ts';
import { client } from '../../session/client.ts';

/** The queue moves on; what is said about it has to follow. */
const AGAIN_MS = 2_000;

type Obstacle = ExplanationView['workers'][number]['obstacles'][number];

export function WhyWaiting({ task }: { readonly task: TaskView }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['task', task.id, 'explain'],
    queryFn: ({ signal }) => client.explainTask(task.id, { signal }),
    refetchInterval: AGAIN_MS,
  });
  if (data === undefined)
    return error === null ? <SkeletonRows rows={6} /> : <ErrorNote error={error} onRetry={() => void refetch()} />;
  return <Explanation explanation={data} />;
}

export function Explanation({ explanation }: { readonly explanation: ExplanationView }) {
  const { summary, advice, position, waitingMs, workers, couldEverFit } = explanation;
  return (
    <div className="flex flex-col gap-4">
      <div className={`tint rounded-lg border p-4 ${couldEverFit ? 'text-queued' : 'text-failed'}`}>
        <p className="font-semibold text-ink">{summary}</p>
        <p className="mt-1 text-muted">
          {position !== null && `Place ${position} in the queue. `}
          {waitingMs > 0 && `Waiting for ${duration(waitingMs)}. `}
          {!couldEverFit && 'No worker of this cluster could run it as it is, even when idle.'}
        </p>
        {advice !== null && (
          <p className="mt-3 flex gap-2 text-ink">
            <Icon name="info" className="mt-0.5 text-accent" />
            <span>
              <span className="font-semibold">What would help: </span>
              {advice}
            </span>
          </p>
        )}
      </div>
      <Panel title="Per worker" flush>
        {workers.length === 0 ? (
          <Empty icon="workers" title="The cluster has no workers">
            <Link to="/workers">Register one</Link>, and the task starts there if it fits.
          </Empty>
        ) : (
          <ul className="divide-y">
            {workers.map(({ workerId, obstacles, couldEverFit: could }) => (
              <li key={workerId} className="grid gap-x-6 gap-y-2 px-4 py-3 md:grid-cols-[160px_1fr]">
                <div>
                  <Link to="/workers/$worker" params={{ worker: workerId }} className="font-medium">
                    {workerId}
                  </Link>
                  <p
                    className={`text-small ${obstacles.length === 0 ? 'text-completed' : could ? 'text-queued' : 'text-failed'}`}
                  >
                    {obstacles.length === 0 ? 'could take it now' : could ? 'could take it later' : 'never fits'}
                  </p>
                </div>
                <ul className="flex min-w-0 flex-col gap-2">
                  {obstacles.map((obstacle) => (
                    <li key={obstacle.kind + obstacle.message}>
                      <ObstacleLine obstacle={obstacle} />
                    </li>
                  ))}
                </ul>
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </div>
  );
}

function ObstacleLine({ obstacle }: { readonly obstacle: Obstacle }) {
  const { message, resource, available, required, capacity } = obstacle;
  if (available === undefined || required === undefined || capacity === undefined || resource === undefined)
    return <p>{message}</p>;
  const name = resourceName(resource);
  const say = (value: number) => (name === null ? String(value) : amount(name, value));
  return (
    <div className="grid items-center gap-x-4 gap-y-1 sm:grid-cols-[minmax(0,1fr)_140px_auto]">
      <p>{message}</p>
      <Meter
        label={`${resource} taken`}
        allocated={capacity === 0 ? 1 : (capacity - available) / capacity}
        tone={required > capacity ? 'text-failed' : 'text-queued'}
      />
      <p className="text-small text-muted">
        {say(available)} free of {say(capacity)}
      </p>
    </div>
  );
}

/** The engine names resources as its fields or in short. */
function resourceName(resource: string): ResourceName | null {
  const short = resource.replace(/(Millis|Bytes)$/, '');
  return short in RESOURCE_LABEL ? (short as ResourceName) : null;
}
