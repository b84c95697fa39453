import { useEffect, useState } from 'react';
import { buttonClass } from '../components/button.tsx';
import { INPUT } from '../components/field.tsx';
import { Icon } from '../components/icon.tsx';
import { logAddress } from '../session/addresses.ts';
import type { LogSearch } from './highlight.ts';

export interface LogView {
  readonly attempt: number | 'all';
  readonly stream: 'all' | 'stdout' | 'stderr';
  readonly search: LogSearch;
  readonly withTime: boolean;
  readonly wrap: boolean;
  /** All of the history, not only its end. */
  readonly whole: boolean;
}

interface LogToolbarProps {
  readonly task: string;
  readonly attempts: readonly number[];
  readonly view: LogView;
  readonly onChange: (view: LogView) => void;
}

const PAUSE_MS = 250;
const TOGGLE = `${buttonClass('secondary')} aria-pressed:border-accent aria-pressed:bg-accent-soft aria-pressed:text-accent`;

export function LogToolbar({ task, attempts, view, onChange }: LogToolbarProps) {
  const [text, setText] = useState(view.search.text);
  const { isRegex } = view.search;
  useEffect(() => {
    if (text === view.search.text) return;
    const timer = setTimeout(() => onChange({ ...view, search: { text, isRegex } }), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, isRegex, view, onChange]);
  return (
    <div role="toolbar" aria-label="Log" className="flex flex-wrap items-center gap-2 border-b p-2">
      <div className="relative min-w-40 flex-1">
        <Icon name="search" className="pointer-events-none absolute top-2 left-2.5 text-faint" />
        <input
          type="search"
          aria-label="Only lines with"
          placeholder={isRegex ? 'Only lines that match a regular expression' : 'Only lines with …'}
          value={text}
          onChange={({ target }) => setText(target.value)}
          spellCheck={false}
          className={`${INPUT} pl-8`}
        />
      </div>
      <button
        type="button"
        aria-pressed={isRegex}
        title="Regular expression"
        aria-label="Regular expression"
        onClick={() => onChange({ ...view, search: { ...view.search, isRegex: !isRegex } })}
        className={`${TOGGLE} font-mono`}
      >
        .*
      </button>
      <select
        aria-label="Stream"
        value={view.stream}
        onChange={({ target }) => onChange({ ...view, stream: target.value as LogView['stream'] })}
        className={`${INPUT} w-auto!`}
      >
        <option value="all">Both streams</option>
        <option value="stdout">stdout</option>
        <option value="stderr">stderr</option>
      </select>
      {attempts.length > 1 && (
        <select
          aria-label="Attempt"
          value={view.attempt}
          onChange={({ target }) =>
            onChange({ ...view, attempt: target.value === 'all' ? 'all' : Number(target.value) })
          }
          className={`${INPUT} w-auto!`}
        >
          <option value="all">All attempts</option>
          {attempts.map((number) => (
            <option key={number} value={number}>
              Attempt {number}
            </option>
          ))}
        </select>
      )}
      <button
        type="button"
        aria-pressed={view.withTime}
        onClick={() => onChange({ ...view, withTime: !view.withTime })}
        className={TOGGLE}
      >
        Time
      </button>
      <button
        type="button"
        aria-pressed={view.wrap}
        onClick={() => onChange({ ...view, wrap: !view.wrap })}
        className={TOGGLE}
      >
        Wrap
      </button>
      <a href={logAddress(task, view)} download={`${task}.log`} className={buttonClass('secondary')}>
        <Icon name="download" />
        Download
      </a>
    </div>
  );
}
