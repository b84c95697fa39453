import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { DataGrid } from '../../components/data-grid.tsx';
import { Empty, ErrorNote } from '../../components/note.tsx';
import { Page } from '../../components/page.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { count } from '../../format/count.ts';
import { useTaskList } from '../../live/use-task-list.ts';
import { BulkBar } from './bulk-bar.tsx';
import { FilterBar } from './filter-bar.tsx';
import { TASK_COLUMNS } from './task-columns.tsx';
import type { TaskFilter } from './task-filter.ts';

const route = getRouteApi('/tasks');

export function TasksPage() {
  const filter = route.useSearch();
  const navigate = useNavigate();
  const { rows, error, isPending, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useTaskList(filter);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const setFilter = useCallback(
    (next: TaskFilter) => {
      setSelected(new Set());
      void navigate({ to: '/tasks', search: next, replace: true });
    },
    [navigate],
  );
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  return (
    <Page title="Tasks" fill>
      <FilterBar filter={filter} onChange={setFilter} />
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      <DataGrid
        label="Tasks"
        className="min-h-0 flex-1"
        columns={TASK_COLUMNS}
        rows={rows}
        keyOf={({ id }) => id}
        onOpen={({ id }) => void navigate({ to: '/tasks/$task', params: { task: id }, search: {} })}
        selected={selected}
        onSelect={setSelected}
        onEnd={more}
        empty={isPending ? <SkeletonRows rows={12} /> : <NoTasks isFiltered={Object.keys(filter).length > 0} />}
      />
      <p className="-mt-2 text-small text-faint" aria-live="off">
        {count(rows.length)} {hasNextPage ? 'loaded; scroll for more' : rows.length === 1 ? 'task' : 'tasks'}
        {isFetchingNextPage && ' …'}
      </p>
      {selected.size > 0 && <BulkBar rows={rows} selected={selected} onDone={() => setSelected(new Set())} />}
    </Page>
  );
}

function NoTasks({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered)
    return (
      <Empty icon="filter" title="No task matches">
        Take a filter away, or look at <Link to="/tasks">all tasks</Link>.
      </Empty>
    );
  return (
    <Empty icon="tasks" title="No tasks yet">
      <Link to="/submit" search={{}}>
        Submit one
      </Link>
      , or run <code className="font-mono">cloudai run busybox -- echo hello</code>.
    </Empty>
  );
}
