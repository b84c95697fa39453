import { useVirtualizer } from '@tanstack/react-virtual';
import { type UIEvent, useEffect, useRef, useState } from 'react';
import { buttonClass } from '../components/button.tsx';
import { Icon } from '../components/icon.tsx';
import { Empty, ErrorNote } from '../components/note.tsx';
import { Skeleton } from '../components/skeleton.tsx';
import { count } from '../format/count.ts';
import { LogLine } from './log-line.tsx';
import { LogToolbar, type LogView as View } from './log-toolbar.tsx';
import { type LogFilter, useLog } from './use-log.ts';

/** Lines of history that are shown at first. */
const FIRST_LINES = 5_000;
const LINE_PX = 20;
/** So near to the end counts as the end. */
const END_PX = 24;

interface LogViewProps {
  readonly task: string;
  readonly isLive: boolean;
  readonly attempts: readonly number[];
}

export function LogView({ task, isLive, attempts }: LogViewProps) {
  const [view, setView] = useState<View>({
    attempt: 'all',
    stream: 'all',
    search: { text: '', isRegex: false },
    withTime: true,
    wrap: true,
    whole: false,
  });
  const { buffer, version, error, isConnected } = useLog(task, filterOf(view));
  const [follows, setFollows] = useState(true);
  const viewport = useRef<HTMLDivElement>(null);
  const lines = useVirtualizer({
    count: buffer.rows.length,
    getScrollElement: () => viewport.current,
    estimateSize: () => LINE_PX,
    overscan: 30,
    getItemKey: (index) => buffer.rows[index]!.key,
  });

  useEffect(() => {
    if (follows && buffer.rows.length > 0) lines.scrollToIndex(buffer.rows.length - 1, { align: 'end' });
  }, [version, follows]);

  const onScroll = ({ currentTarget }: UIEvent<HTMLDivElement>) => {
    const { scrollTop, scrollHeight, clientHeight } = currentTarget;
    const atEnd = scrollHeight - scrollTop - clientHeight < END_PX;
    // Lines that are measured move the end a little; only a scroll away from it is meant.
    if (atEnd !== follows && (atEnd || lines.scrollDirection === 'backward')) setFollows(atEnd);
  };

  return (
    <div className="flex h-[min(70dvh,880px)] min-h-80 flex-col overflow-hidden rounded-lg border bg-surface">
      <LogToolbar task={task} attempts={attempts} view={view} onChange={setView} />
      {error !== null && (
        <div className="border-b p-2">
          <ErrorNote error={error} />
        </div>
      )}
      {(buffer.isPartial || buffer.removed > 0) && view.search.text === '' && (
        <p className="flex items-center justify-between gap-3 border-b bg-surface px-4 py-1.5 text-small text-muted">
          {buffer.removed > 0
            ? `The first ${count(buffer.removed)} lines are not shown here; download the log to have all of it.`
            : `The last ${count(FIRST_LINES)} lines.`}
          {buffer.removed === 0 && !view.whole && (
            <button
              type="button"
              className={buttonClass('ghost', true)}
              onClick={() => setView({ ...view, whole: true })}
            >
              Load all of it
            </button>
          )}
        </p>
      )}
      <div
        ref={viewport}
        role="log"
        aria-label="Log"
        aria-live="off"
        tabIndex={0}
        onScroll={onScroll}
        className="relative min-h-0 flex-1 overflow-auto bg-sunken py-2 font-mono text-small -outline-offset-2"
      >
        {buffer.rows.length === 0 ? (
          <NoLines isConnected={isConnected} isSearch={view.search.text !== ''} isLive={isLive} />
        ) : (
          <div className="relative w-full" style={{ height: lines.getTotalSize() }}>
            {lines.getVirtualItems().map(({ index, start, key }) => (
              <div
                key={key}
                ref={lines.measureElement}
                data-index={index}
                className="absolute inset-x-0 top-0"
                style={{ transform: `translateY(${start}px)` }}
              >
                <LogLine row={buffer.rows[index]!} search={view.search} withTime={view.withTime} wrap={view.wrap} />
              </div>
            ))}
          </div>
        )}
      </div>
      <footer className="flex h-9 items-center justify-between gap-3 border-t px-4 text-small text-muted">
        <span>
          {count(buffer.rows.length)} {buffer.rows.length === 1 ? 'line' : 'lines'}
        </span>
        <button
          type="button"
          aria-pressed={follows}
          onClick={() => setFollows(!follows)}
          className={`${buttonClass('ghost', true)} aria-pressed:text-accent`}
        >
          <Icon name="bottom" />
          {follows && isLive && !buffer.hasEnded ? 'Following' : 'Go to the end'}
        </button>
      </footer>
    </div>
  );
}

function filterOf({ attempt, stream, search, whole }: View): LogFilter {
  const isSearch = search.text !== '';
  return {
    attempt,
    ...(stream === 'all' ? {} : { stream }),
    ...(isSearch ? { [search.isRegex ? 'regex' : 'grep']: search.text } : {}),
    ...(whole || isSearch ? {} : { tail: FIRST_LINES }),
  };
}

function NoLines({ isConnected, isSearch, isLive }: { isConnected: boolean; isSearch: boolean; isLive: boolean }) {
  if (!isConnected)
    return (
      <div className="flex flex-col gap-2 px-4 py-1">
        <Skeleton className="h-3 w-64" />
        <Skeleton className="h-3 w-96 max-w-full" />
        <Skeleton className="h-3 w-48" />
      </div>
    );
  return (
    <div className="font-sans text-base">
      {isSearch ? (
        <Empty icon="search" title="No line matches so far" />
      ) : (
        <Empty icon="tasks" title={isLive ? 'Nothing was printed yet' : 'The task printed nothing'}>
          {isLive && 'Lines appear here as the task prints them.'}
        </Empty>
      )}
    </div>
  );
}
