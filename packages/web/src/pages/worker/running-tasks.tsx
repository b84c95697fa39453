import type { WorkerView } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Empty } from '../../components/note.tsx';
import { Panel } from '../../components/panel.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { requestLine } from '../../format/amount.ts';
import { shortId } from '../../format/words.ts';
import { client } from '../../session/client.ts';

const MOST_SHOWN = 200;

export function RunningTasks({ worker }: { readonly worker: WorkerView }) {
  const { runningTasks } = worker;
  const ids = runningTasks.map(({ taskId }) => taskId).sort();
  // Names and owners are the task's; the worker only knows ids.
  const { data: tasks } = useQuery({
    queryKey: ['worker', worker.id, 'tasks', ids.join()],
    queryFn: () => client.listWorkerTasks(worker.id, { state: 'assigned,running', limit: MOST_SHOWN }).take(MOST_SHOWN),
    enabled: ids.length > 0,
    placeholderData: (before) => before,
  });
  const byId = new Map(tasks?.map((task) => [task.id, task]));
  return (
    <Panel
      title={`Running tasks (${runningTasks.length})`}
      flush
      actions={
        <Link to="/tasks" search={{ worker: worker.id }} className="text-small">
          All tasks of this worker
        </Link>
      }
    >
      {runningTasks.length === 0 ? (
        <Empty icon="tasks" title="Nothing runs here">
          {worker.drain === null
            ? 'The next task that fits starts here.'
            : 'It takes no new tasks while it is drained.'}
        </Empty>
      ) : (
        <ul className="divide-y">
          {runningTasks.slice(0, MOST_SHOWN).map(({ taskId, attempt, state, resources }) => (
            <li key={`${taskId}/${attempt}`} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2">
              <StateBadge state={state} />
              <Link
                to="/tasks/$task"
                params={{ task: taskId }}
                search={{}}
                className="min-w-32 flex-1 truncate font-medium"
              >
                {byId.get(taskId)?.name ?? shortId(taskId)}
              </Link>
              <span className="text-muted">{byId.get(taskId)?.owner}</span>
              <span className="text-muted">{requestLine(resources)}</span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
