/** The task list by pages of a cursor, and the watch's changes in the pages that are there. */
import type { TaskView, WatchFilter } from '@cloudai/sdk';
import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { queryOf, type TaskFilter } from '../pages/tasks/task-filter.ts';
import { client } from '../session/client.ts';
import { useGather } from './gather.ts';
import { taskListKey } from './keys.ts';
import { useTopic } from './live.tsx';
import { type TaskPage, updatePages } from './task-updates.ts';

const PAGE_SIZE = 200;

export function useTaskList(filter: TaskFilter) {
  const cache = useQueryClient();
  const query = queryOf(filter, PAGE_SIZE);
  const key = taskListKey(query);
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }): Promise<TaskPage> => client.listTasks(query).page(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  const gather = useGather<TaskView | null>((updates) =>
    cache.setQueryData<InfiniteData<TaskPage, string | null>>(key, (data) =>
      data === undefined ? data : { ...data, pages: [...updatePages(data.pages, updates, filter.order ?? 'newest')] },
    ),
  );
  // A search is not among the filters of the watch; it is asked for anew when its page is opened.
  const after = filter.q === undefined ? list.data?.pages[0]?.sequence : undefined;
  const subscription = useMemo(() => (after == null ? null : { ...watchFilter(filter), after }), [after, filter]);
  useTopic('tasks', subscription, (update) => {
    if (update.kind === 'task') gather(update.task.id, update.task);
    else if (update.kind === 'left') gather(update.taskId, null);
    else if (update.kind === 'gap') void cache.invalidateQueries({ queryKey: key });
  });
  const rows = useMemo<readonly TaskView[]>(() => list.data?.pages.flatMap((page) => page.items) ?? [], [list.data]);
  return { ...list, rows };
}

function watchFilter({ order: _, id, q: __, ...filter }: TaskFilter): WatchFilter<'tasks'> {
  return id === undefined ? filter : { ...filter, idPrefix: id };
}
