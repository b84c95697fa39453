import { words } from '../format/words.ts';

/** Colour of each state of tasks, attempts and workers; the word is always there as well. */
const TONES: Readonly<Record<string, string>> = {
  pending: 'text-pending',
  queued: 'text-queued',
  assigned: 'text-assigned',
  starting: 'text-assigned',
  running: 'text-running',
  stopping: 'text-queued',
  unknown: 'text-queued',
  completed: 'text-completed',
  succeeded: 'text-completed',
  failed: 'text-failed',
  cancelled: 'text-cancelled',
  superseded: 'text-cancelled',
  lost: 'text-failed',
  registered: 'text-pending',
  active: 'text-completed',
  suspect: 'text-queued',
  revoked: 'text-cancelled',
  draining: 'text-queued',
  unhealthy: 'text-failed',
};

const MOVING = new Set(['running', 'starting', 'assigned', 'stopping']);

export function toneOf(state: string): string {
  return TONES[state] ?? 'text-muted';
}

export function StateBadge({ state, large = false }: { readonly state: string; readonly large?: boolean }) {
  const size = large ? 'h-6 px-2.5 text-base tracking-normal' : 'h-5 px-2 text-small';
  return (
    <span
      data-state={state}
      className={`tint inline-flex shrink-0 items-center gap-1.5 rounded-full font-medium whitespace-nowrap ${size} ${toneOf(state)}`}
    >
      <span className={`size-1.5 rounded-full bg-current ${MOVING.has(state) ? 'pulse' : ''}`} />
      {words(state)}
    </span>
  );
}
