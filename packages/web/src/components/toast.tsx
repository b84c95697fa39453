/** Short notices of what was done or refused, at the foot of the page and for screen readers. */
import { useSyncExternalStore } from 'react';
import { IconButton } from './button.tsx';
import { Icon } from './icon.tsx';
import { explain } from './note.tsx';

interface Notice {
  readonly id: number;
  readonly tone: 'done' | 'failed';
  readonly text: string;
}

const SHOWN_MS = { done: 4_000, failed: 12_000 };
/** More at once are not read. */
const MOST = 4;

let notices: readonly Notice[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

export function tell(text: string, tone: Notice['tone'] = 'done'): void {
  const id = ++lastId;
  set([...notices, { id, tone, text }].slice(-MOST));
  setTimeout(() => dismiss(id), SHOWN_MS[tone]);
}

export function tellError(error: unknown): void {
  const { message, remedy } = explain(error);
  tell(remedy === null ? message : `${message} ${remedy}`, 'failed');
}

function dismiss(id: number): void {
  set(notices.filter((notice) => notice.id !== id));
}

function set(next: readonly Notice[]): void {
  notices = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Notices() {
  const shown = useSyncExternalStore(subscribe, () => notices);
  return (
    <div
      aria-live="polite"
      className="pointer-events-none fixed inset-x-4 bottom-4 z-50 flex flex-col items-center gap-2"
    >
      {shown.map(({ id, tone, text }) => (
        <div
          key={id}
          className="pointer-events-auto flex max-w-xl items-center gap-2 rounded-lg border border-line-strong bg-raised py-1 pr-1 pl-3 shadow-float"
        >
          <Icon
            name={tone === 'done' ? 'check' : 'warning'}
            className={tone === 'done' ? 'text-completed' : 'text-failed'}
          />
          <span className="py-1.5">{text}</span>
          <IconButton icon="close" label="Dismiss" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
