import { ApiError, type TaskDetail } from '@cloudai/sdk';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { CopyButton } from '../../components/copy-button.tsx';
import { Empty, ErrorNote } from '../../components/note.tsx';
import { Page } from '../../components/page.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { type Tab, Tabs } from '../../components/tabs.tsx';
import { shortId } from '../../format/words.ts';
import { loadPage } from '../../layout/load-page.ts';
import { useTask } from '../../live/use-task.ts';
import { LogView } from '../../log/log-view.tsx';
import { ArtifactList } from './artifact-list.tsx';
import { SpecView } from './spec-view.tsx';
import { TaskActions } from './task-actions.tsx';
import { TaskFacts } from './task-facts.tsx';
import type { TaskTab } from './task-tab.ts';
import { Timeline } from './timeline.tsx';
import { WhyWaiting } from './why-waiting.tsx';

const TaskResources = lazy(async () => ({
  default: (await loadPage(() => import('./task-resources.tsx'))).TaskResources,
}));

const route = getRouteApi('/tasks/$task');

export function TaskPage() {
  const { task } = route.useParams();
  const { data, error, refetch } = useTask(task);
  if (data === undefined && error !== null)
    return (
      <Page title={shortId(task)}>
        {error instanceof ApiError && error.code === 'task_unknown' ? (
          <Empty icon="tasks" title={`There is no task ${task}`}>
            It may have been removed by the retention, or belong to a namespace that is not yours. Look at{' '}
            <Link to="/tasks">all tasks</Link>.
          </Empty>
        ) : (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        )}
      </Page>
    );
  if (data === undefined)
    return (
      <Page title={shortId(task)}>
        <SkeletonRows rows={10} />
      </Page>
    );
  return <TaskDetails detail={data} />;
}

function TaskDetails({ detail }: { readonly detail: TaskDetail }) {
  const { task, attempts } = detail;
  const navigate = useNavigate();
  const isWaiting = task.state === 'pending' || task.state === 'queued';
  const { tab = isWaiting ? 'why' : 'log' } = route.useSearch();
  const artifacts = attempts.flatMap((attempt) => attempt.artifacts);
  const tabs: (Tab & { key: TaskTab })[] = [
    ...(isWaiting ? [{ key: 'why' as const, label: 'Why is it waiting?' }] : []),
    { key: 'log', label: 'Log' },
    { key: 'timeline', label: 'Timeline' },
    { key: 'resources', label: 'Resources' },
    { key: 'artifacts', label: artifacts.length === 0 ? 'Artifacts' : `Artifacts (${artifacts.length})` },
    { key: 'spec', label: 'Spec' },
  ];
  const current = tabs.some(({ key }) => key === tab) ? tab : 'log';
  const name = task.name ?? shortId(task.id);
  return (
    <Page
      title={name}
      heading={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <span className={task.name === null ? 'font-mono' : ''}>{name}</span>
          <StateBadge state={task.state} large />
        </span>
      }
      lead={
        <span className="flex flex-wrap items-center gap-x-1">
          <code className="font-mono text-small">{task.id}</code>
          <CopyButton text={task.id} label="Copy the id" />
        </span>
      }
      actions={<TaskActions task={task} />}
    >
      {task.message !== null && (
        <p
          className={`-mt-2 max-w-4xl ${task.state === 'failed' ? 'text-failed' : 'text-muted'}`}
          data-testid="message"
        >
          {task.message}
        </p>
      )}
      <TaskFacts task={task} />
      <Tabs
        label="Parts of the task"
        tabs={tabs}
        current={current}
        onChange={(key) =>
          void navigate({
            to: '/tasks/$task',
            params: { task: task.id },
            search: { tab: key as TaskTab },
            replace: true,
          })
        }
      >
        {current === 'log' && (
          <LogView task={task.id} isLive={task.endedAt === null} attempts={attempts.map(({ number }) => number)} />
        )}
        {current === 'why' && <WhyWaiting task={task} />}
        {current === 'timeline' && <Timeline detail={detail} />}
        {current === 'resources' && (
          <Suspense fallback={<SkeletonRows rows={8} />}>
            <TaskResources detail={detail} />
          </Suspense>
        )}
        {current === 'artifacts' && <ArtifactList task={task} artifacts={artifacts} />}
        {current === 'spec' && <SpecView detail={detail} />}
      </Tabs>
    </Page>
  );
}
