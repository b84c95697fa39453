import type { AttemptView, TaskView } from '@cloudai/sdk';
import { toneOf } from '../../components/state-badge.tsx';
import { duration } from '../../format/duration.ts';
import { useNow } from '../../live/clock.ts';
import { barsOf } from './attempt-bars.ts';

/** Waiting, preparing and running of each attempt, to scale. The numbers are in the row's text as well. */
export function AttemptChart({
  task,
  attempts,
}: {
  readonly task: TaskView;
  readonly attempts: readonly AttemptView[];
}) {
  const now = useNow();
  const rows = barsOf(task, attempts, now);
  return (
    <ol className="flex flex-col gap-3">
      {rows.map(({ label, bars }) => (
        <li key={label} className="grid grid-cols-[88px_1fr] items-center gap-x-3 gap-y-1">
          <span className="truncate font-medium">{label}</span>
          <div className="relative h-6 rounded-sm bg-sunken">
            {bars.map(({ kind, left, width, ms }) => (
              <span
                key={kind + left}
                title={`${kind}: ${duration(ms)}`}
                className={`absolute inset-y-0 min-w-0.5 rounded-sm bg-current ${toneOf(kind)} ${kind === 'queued' ? 'opacity-45' : 'opacity-80'}`}
                style={{ left: `${left * 100}%`, width: `${width * 100}%` }}
              />
            ))}
          </div>
          <span className="col-start-2 text-small text-muted">
            {bars.map(({ kind, ms }) => `${WORD[kind]} ${duration(ms)}`).join(' · ')}
          </span>
        </li>
      ))}
    </ol>
  );
}

const WORD = { queued: 'waited', assigned: 'prepared', running: 'ran' } as const;
