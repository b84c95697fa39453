/** The task list by pages of a cursor, and the watch's changes in the pages that are there. */
import type { TaskView } from '@cloudai/sdk';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { queryOf, type TaskFilter } from '../pages/tasks/task-filter.ts';
import { client } from '../session/client.ts';
import { taskListKey } from './keys.ts';

const PAGE_SIZE = 200;

export function useTaskList(filter: TaskFilter) {
  const query = queryOf(filter, PAGE_SIZE);
  const list = useInfiniteQuery({
    queryKey: taskListKey(query),
    queryFn: ({ pageParam }) => client.listTasks(query).page(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  const rows = useMemo<readonly TaskView[]>(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  return { ...list, rows };
}
