import type { TaskView } from '@cloudai/sdk';
import { Link } from '@tanstack/react-router';
import { Ago, Elapsed } from '../../components/ago.tsx';
import type { Column } from '../../components/data-grid.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { requestLine } from '../../format/amount.ts';
import { shortId, words } from '../../format/words.ts';

export const TASK_COLUMNS: readonly Column<TaskView>[] = [
  {
    key: 'state',
    header: 'State',
    track: '104px',
    cell: (task) => <StateBadge state={task.state} />,
  },
  {
    key: 'task',
    header: 'Task',
    track: 'minmax(96px, 2fr)',
    cell: (task) => (
      <Link
        to="/tasks/$task"
        params={{ task: task.id }}
        search={{}}
        tabIndex={-1}
        className="font-medium no-underline hover:underline"
      >
        {task.name ?? <span className="font-mono text-small">{shortId(task.id)}</span>}
      </Link>
    ),
  },
  {
    key: 'what',
    header: 'Why or what',
    track: 'minmax(120px, 3fr)',
    from: 900,
    cell: (task) => <Summary task={task} />,
  },
  {
    key: 'image',
    header: 'Image',
    track: 'minmax(96px, 1.5fr)',
    from: 1180,
    cell: ({ image }) => <span title={image}>{image}</span>,
  },
  { key: 'request', header: 'Asks for', track: '136px', from: 1020, cell: ({ resources }) => requestLine(resources) },
  {
    key: 'worker',
    header: 'Worker',
    track: '112px',
    from: 700,
    cell: ({ worker }) =>
      worker === null ? (
        <span className="text-faint">–</span>
      ) : (
        <Link to="/workers/$worker" params={{ worker }} tabIndex={-1} className="no-underline hover:underline">
          {worker}
        </Link>
      ),
  },
  { key: 'owner', header: 'Owner', track: '88px', from: 1300, cell: ({ owner }) => owner },
  { key: 'priority', header: 'Priority', track: '56px', from: 1400, right: true, cell: ({ priority }) => priority },
  {
    key: 'run',
    header: 'Ran for',
    track: '80px',
    from: 560,
    right: true,
    cell: ({ startedAt, endedAt }) => <Elapsed from={startedAt} to={endedAt} />,
  },
  {
    key: 'submitted',
    header: 'Submitted',
    track: '76px',
    from: 400,
    right: true,
    cell: ({ submittedAt }) => <Ago at={submittedAt} />,
  },
];

/** Why it waits or how it ended where that is known; else what it runs. */
function Summary({ task }: { readonly task: TaskView }) {
  const ended =
    task.reason === null ? null : words(task.reason) + (task.exitCode === null ? '' : `, exit code ${task.exitCode}`);
  if (task.state === 'failed' || task.state === 'cancelled')
    return <span title={task.message ?? ''}>{task.message ?? ended}</span>;
  if (task.message !== null && task.state !== 'completed')
    return (
      <span title={task.message} className="text-muted">
        {task.message}
      </span>
    );
  return (
    <span title={task.command} className="font-mono text-small text-muted">
      {task.command}
    </span>
  );
}
