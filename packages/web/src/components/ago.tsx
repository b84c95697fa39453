import { duration, shortDuration } from '../format/duration.ts';
import { wholeTime } from '../format/time.ts';
import { useNow } from '../live/clock.ts';

/** `4m ago`, kept up to date; the whole time is in the tooltip. */
export function Ago({ at, bare = false }: { readonly at: string | null; readonly bare?: boolean }) {
  const now = useNow();
  if (at === null) return <span className="text-faint">–</span>;
  return (
    <time dateTime={at} title={wholeTime(at)} className="whitespace-nowrap">
      {shortDuration(now - Date.parse(at))}
      {bare ? '' : ' ago'}
    </time>
  );
}

/** From one time to another, or to now while it lasts. */
export function Elapsed({ from, to }: { readonly from: string | null; readonly to: string | null }) {
  const now = useNow();
  if (from === null) return <span className="text-faint">–</span>;
  return (
    <span className="tabular whitespace-nowrap">
      {duration((to === null ? now : Date.parse(to)) - Date.parse(from))}
    </span>
  );
}
