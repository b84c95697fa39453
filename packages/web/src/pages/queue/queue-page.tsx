import type { QueueView, SchedulerView } from '@cloudai/sdk';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type DragEvent, useState } from 'react';
import { IconButton } from '../../components/button.tsx';
import { Icon } from '../../components/icon.tsx';
import { Empty, ErrorNote } from '../../components/note.tsx';
import { Page } from '../../components/page.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { tell, tellError } from '../../components/toast.tsx';
import { requestLine } from '../../format/amount.ts';
import { count, counted } from '../../format/count.ts';
import { duration } from '../../format/duration.ts';
import { shortId } from '../../format/words.ts';
import { QUEUE_KEY } from '../../live/keys.ts';
import { QUEUE_SHOWN, useQueue } from '../../live/use-queue.ts';
import { client } from '../../session/client.ts';
import { PriorityInput } from './priority-input.tsx';
import { priorityAt } from './reprioritise.ts';

type Item = QueueView['items'][number];

export function QueuePage() {
  const { data: queue, error, refetch } = useQueue();
  return (
    <Page
      title="Queue"
      lead={
        queue === undefined ? (
          ' '
        ) : (
          <>
            {queue.total === 1 ? '1 task waits' : `${counted(queue.total, 'task')} wait`}. <OrderText /> Drag a task, or
            use its arrows, to give it the priority of its new place.
          </>
        )
      }
    >
      {error !== null && queue === undefined && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {queue === undefined ? (
        <SkeletonRows rows={8} />
      ) : queue.items.length === 0 ? (
        <div className="rounded-lg border bg-surface">
          <Empty icon="check" title="Nobody waits">
            Every task that could start has started.{' '}
            <Link to="/submit" search={{}}>
              Submit one
            </Link>
            .
          </Empty>
        </div>
      ) : (
        <Items items={queue.items} />
      )}
      {queue !== undefined && queue.total > queue.items.length && (
        <p className="text-small text-muted">
          These are the first {count(Math.min(QUEUE_SHOWN, queue.items.length))}. The others are in the{' '}
          <Link to="/tasks" search={{ state: 'queued', order: 'priority' }}>
            list of tasks
          </Link>
          .
        </p>
      )}
    </Page>
  );
}

const BACKFILL: Readonly<Record<SchedulerView['backfill'], string>> = {
  greedy: ' Behind a task that does not fit, others go ahead.',
  strict: ' Nobody goes ahead of a task that does not fit.',
  easy: ' Others go ahead of a task that does not fit where they do not delay it.',
  conservative: ' Others go ahead where they delay nobody.',
};

/** How the order comes about, in the words of the scheduler that makes it. */
function OrderText() {
  const { data: scheduler } = useQuery({
    queryKey: ['scheduler'],
    queryFn: ({ signal }) => client.getScheduler({ signal }),
  });
  if (scheduler === undefined) return null;
  const { ordering, orderings, ageingSeconds, backfill, preemption } = scheduler;
  const summary = orderings.find(({ name }) => name === ordering)?.summary ?? '';
  return (
    <>
      Ordered by <span className="font-medium text-ink">{ordering}</span>
      {summary === '' ? '.' : `: ${summary.replace(/\.$/, '')}.`}
      {ageingSeconds !== null &&
        ` Each ${duration(ageingSeconds * 1000)} of waiting makes up for one step of priority.`}
      {BACKFILL[backfill]}
      {preemption && ' A task of higher priority may take the place of a running one.'}
    </>
  );
}

function Items({ items }: { readonly items: readonly Item[] }) {
  const cache = useQueryClient();
  const [dragged, setDragged] = useState<number | null>(null);
  const [over, setOver] = useState<number | null>(null);
  const update = useMutation({
    mutationFn: ({ task, priority }: { task: Item['task']; priority: number }) =>
      client.updateTask(task.id, { priority }),
    onSuccess: (task) => {
      tell(`${task.name ?? shortId(task.id)} has priority ${task.priority} now.`);
      return cache.invalidateQueries({ queryKey: QUEUE_KEY });
    },
    onError: tellError,
  });
  const move = (from: number, to: number) => {
    const { task } = items[from]!;
    const priority = priorityAt(
      items.map((item) => item.task),
      from,
      to,
    );
    if (priority === null)
      tell(`${task.name ?? shortId(task.id)} can not go further: no priority brings it there.`, 'failed');
    else update.mutate({ task, priority });
  };
  const drop = (event: DragEvent, to: number) => {
    event.preventDefault();
    if (dragged !== null && dragged !== to) move(dragged, to);
    setDragged(null);
    setOver(null);
  };
  return (
    <ol className="overflow-hidden rounded-lg border bg-surface" aria-label="Waiting tasks in order">
      {items.map(({ position, waitingMs, message, task }, index) => (
        <li
          key={task.id}
          draggable
          onDragStart={(event) => {
            event.dataTransfer.effectAllowed = 'move';
            event.dataTransfer.setData('text/plain', task.id);
            setDragged(index);
          }}
          onDragEnd={() => {
            setDragged(null);
            setOver(null);
          }}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(index);
          }}
          onDrop={(event) => drop(event, index)}
          className={`grid grid-cols-[auto_auto_minmax(0,1fr)_auto] items-center gap-x-3 border-b px-3 py-1.5 last:border-b-0 hover:bg-hover ${dragged === index ? 'opacity-40' : ''} ${over === index && dragged !== null && dragged !== index ? (dragged > index ? 'shadow-[inset_0_2px_0_var(--accent)]' : 'shadow-[inset_0_-2px_0_var(--accent)]') : ''}`}
        >
          <Icon name="grip" className="cursor-grab text-faint" />
          <span className="min-w-6 text-right font-medium text-muted">{position}</span>
          <div className="min-w-0">
            <p className="flex items-baseline gap-x-3">
              <Link to="/tasks/$task" params={{ task: task.id }} search={{}} className="truncate font-medium">
                {task.name ?? shortId(task.id)}
              </Link>
              <span className="truncate text-small text-muted max-sm:hidden">
                {requestLine(task.resources)} · {task.owner} · waits {duration(waitingMs)}
              </span>
            </p>
            <p className="truncate text-small text-muted" title={message ?? ''}>
              {message ?? 'Waits for its turn.'}
            </p>
          </div>
          <div className="flex items-center">
            <PriorityInput task={task} onChange={(priority) => update.mutate({ task, priority })} />
            <IconButton
              icon="up"
              label={`Move ${task.name ?? shortId(task.id)} up`}
              disabled={index === 0 || update.isPending}
              onClick={() => move(index, index - 1)}
            />
            <IconButton
              icon="down"
              label={`Move ${task.name ?? shortId(task.id)} down`}
              disabled={index === items.length - 1 || update.isPending}
              onClick={() => move(index, index + 1)}
              className="max-sm:hidden"
            />
          </div>
        </li>
      ))}
    </ol>
  );
}
