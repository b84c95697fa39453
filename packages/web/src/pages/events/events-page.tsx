import type { EventView } from '@cloudai/sdk';
import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { type Column, DataGrid } from '../../components/data-grid.tsx';
import { EventText } from '../../components/event-list.tsx';
import { INPUT } from '../../components/field.tsx';
import { Empty, ErrorNote } from '../../components/note.tsx';
import { Page } from '../../components/page.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { clockTime, wholeTime } from '../../format/time.ts';
import { useGather } from '../../live/gather.ts';
import { useTopic } from '../../live/live.tsx';
import { client } from '../../session/client.ts';
import type { EventFilter } from './event-filter.ts';

const route = getRouteApi('/events');
const PAGE_SIZE = 200;

interface EventPage {
  readonly items: readonly EventView[];
  readonly next: string | null;
  readonly sequence: number | null;
}

const COLUMNS: readonly Column<EventView>[] = [
  {
    key: 'at',
    header: 'Time',
    track: '132px',
    cell: ({ at }) => (
      <time dateTime={at} title={wholeTime(at)} className="text-muted">
        {clockTime(at, Date.now())}
      </time>
    ),
  },
  {
    key: 'what',
    header: 'What',
    track: 'minmax(0, 3fr)',
    cell: (event) => <EventText event={{ ...event, message: null }} />,
  },
  {
    key: 'message',
    header: 'Message',
    track: 'minmax(0, 4fr)',
    from: 720,
    cell: ({ message }) => (
      <span className="text-muted" title={message ?? ''}>
        {message}
      </span>
    ),
  },
  { key: 'namespace', header: 'Namespace', track: '112px', from: 1100, cell: ({ namespace }) => namespace },
  {
    key: 'sequence',
    header: 'Sequence',
    track: '72px',
    from: 960,
    right: true,
    cell: ({ sequence }) => <span className="text-faint">{sequence}</span>,
  },
];

export function EventsPage() {
  const filter = route.useSearch();
  const { rows, error, isPending, refetch, more } = useEvents(filter);
  return (
    <Page title="Events" fill lead="Everything that happened, the newest first." actions={<Filters filter={filter} />}>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      <DataGrid
        label="Events"
        className="min-h-0 flex-1"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ sequence }) => String(sequence)}
        onEnd={more}
        empty={
          isPending ? (
            <SkeletonRows rows={12} />
          ) : (
            <Empty icon="events" title="No event matches">
              Take a filter away to see more.
            </Empty>
          )
        }
      />
    </Page>
  );
}

function useEvents(filter: EventFilter) {
  const cache = useQueryClient();
  const key = ['events', filter];
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }): Promise<EventPage> =>
      client.listEvents({ ...filter, order: 'newest', limit: PAGE_SIZE }).page(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  const gather = useGather<EventView>((events) =>
    cache.setQueryData<InfiniteData<EventPage, string | null>>(key, (data) => {
      const [first, ...others] = data?.pages ?? [];
      if (data === undefined || first === undefined) return data;
      const newest = first.items[0]?.sequence ?? 0;
      const fresh = [...events.values()].filter(({ sequence }) => sequence > newest).reverse();
      return { ...data, pages: [{ ...first, items: [...fresh, ...first.items] }, ...others] };
    }),
  );
  const after = list.data?.pages[0]?.sequence;
  const subscription = useMemo(
    () =>
      after == null
        ? null
        : {
            after,
            ...(filter.worker === undefined ? {} : { worker: filter.worker }),
            ...(filter.kind === undefined ? {} : { kinds: filter.kind.split(',') }),
          },
    [after, filter],
  );
  useTopic('events', subscription, (update) => {
    if (update.kind === 'event') gather(String(update.event.sequence), update.event);
    else if (update.kind === 'gap') void cache.invalidateQueries({ queryKey: key });
  });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = list;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  const rows = useMemo(() => list.data?.pages.flatMap(({ items }) => items) ?? [], [list.data]);
  return { ...list, rows, more };
}

function Filters({ filter }: { readonly filter: EventFilter }) {
  const navigate = useNavigate();
  const [kind, setKind] = useState(filter.kind ?? '');
  const [worker, setWorker] = useState(filter.worker ?? '');
  return (
    <form
      className="flex flex-wrap gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        void navigate({
          to: '/events',
          search: {
            ...(kind.trim() === '' ? {} : { kind: kind.trim() }),
            ...(worker.trim() === '' ? {} : { worker: worker.trim() }),
          },
          replace: true,
        });
      }}
    >
      <input
        aria-label="Kinds"
        placeholder="task_failed,worker_lost"
        value={kind}
        onChange={({ target }) => setKind(target.value)}
        className={`${INPUT} w-52!`}
      />
      <input
        aria-label="Worker"
        placeholder="worker"
        value={worker}
        onChange={({ target }) => setWorker(target.value)}
        className={`${INPUT} w-32!`}
      />
      <Button type="submit" icon="filter">
        Filter
      </Button>
    </form>
  );
}
