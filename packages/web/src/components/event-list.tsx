import type { EventView } from '@cloudai/sdk';
import { Link } from '@tanstack/react-router';
import { clockTime, wholeTime } from '../format/time.ts';
import { shortId, words } from '../format/words.ts';
import { useNow } from '../live/clock.ts';
import { Empty } from './note.tsx';

interface EventListProps {
  /** Oldest first, as the API has them; shown newest first. */
  readonly events: readonly EventView[];
  /** What the page is about need not be named in every line. */
  readonly without?: 'task' | 'worker';
}

export function EventList({ events, without }: EventListProps) {
  const now = useNow();
  if (events.length === 0)
    return (
      <Empty icon="events" title="Nothing happened yet">
        What happens to tasks and workers is written down here.
      </Empty>
    );
  return (
    <ol className="divide-y">
      {events.toReversed().map((event) => (
        <li key={event.sequence} className="flex gap-3 px-4 py-2">
          <time dateTime={event.at} title={wholeTime(event.at)} className="shrink-0 text-small leading-5 text-faint">
            {clockTime(event.at, now)}
          </time>
          <EventText event={event} {...(without === undefined ? {} : { without })} />
        </li>
      ))}
    </ol>
  );
}

export function EventText({ event, without }: { readonly event: EventView; readonly without?: 'task' | 'worker' }) {
  return (
    <div className="min-w-0">
      <p>
        <span className={`font-medium ${toneOfKind(event.kind)}`}>{words(event.kind)}</span>
        {event.taskId !== null && without !== 'task' && (
          <>
            {' '}
            <Link to="/tasks/$task" params={{ task: event.taskId }} search={{}} className="font-mono text-small">
              {shortId(event.taskId)}
            </Link>
          </>
        )}
        {event.attempt !== null && <span className="text-muted"> attempt {event.attempt}</span>}
        {event.worker !== null && without !== 'worker' && (
          <>
            <span className="text-muted"> on </span>
            <Link to="/workers/$worker" params={{ worker: event.worker }}>
              {event.worker}
            </Link>
          </>
        )}
        {event.by !== null && <span className="text-muted"> by {event.by}</span>}
      </p>
      {event.message !== null && <p className="break-words text-muted">{event.message}</p>}
    </div>
  );
}

/** Ends and losses stand out; the word says the same. */
function toneOfKind(kind: string): string {
  if (/failed|lost|broken|refused|revoked/.test(kind)) return 'text-failed';
  if (/completed|succeeded|active/.test(kind)) return 'text-completed';
  if (/running|started/.test(kind)) return 'text-running';
  return '';
}
