import { shortDuration } from '../format/duration.ts';
import { useNow } from '../live/clock.ts';
import { useLive } from '../live/live.tsx';

/** A connection that is back within this time is not worth a word. */
const PATIENCE_MS = 1_500;

/** Whether what is on screen is current, in a word at the top of every page. */
export function LiveState() {
  const { state, staleSince } = useLive();
  const now = useNow();
  const staleMs = staleSince === null ? 0 : now - staleSince;
  const isLive = state === 'live' || (staleMs < PATIENCE_MS && state !== 'closed');
  return (
    <div
      role="status"
      data-live={isLive ? 'live' : 'stale'}
      title={
        isLive
          ? 'What you see is kept up to date'
          : 'The master does not answer; it is asked again until it does. What you see is older.'
      }
      className={`flex items-center gap-2 px-2 text-small font-medium whitespace-nowrap ${isLive ? 'text-completed' : 'text-queued'}`}
    >
      <span className={`size-2 rounded-full bg-current ${isLive ? '' : 'pulse'}`} />
      {isLive ? <span className="max-sm:sr-only">Live</span> : <span>Stale for {shortDuration(staleMs)}</span>}
    </div>
  );
}
