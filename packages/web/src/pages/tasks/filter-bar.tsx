import type { TaskStateView } from '@cloudai/sdk';
import { useEffect, useState } from 'react';
import { Button, IconButton } from '../../components/button.tsx';
import { INPUT } from '../../components/field.tsx';
import { toneOf } from '../../components/state-badge.tsx';
import { compactCount } from '../../format/count.ts';
import { useCluster } from '../../live/use-cluster.ts';
import { statesOf, type TaskFilter, TEXT_FILTERS, type TextFilter, toggleState, withFilter } from './task-filter.ts';

const STATES: readonly TaskStateView[] = [
  'pending',
  'queued',
  'assigned',
  'running',
  'completed',
  'failed',
  'cancelled',
];

const EXAMPLE: Readonly<Record<TextFilter, string>> = {
  q: 'part of name, image or id',
  name: 'train-resnet',
  owner: 'ada',
  worker: 'worker-1',
  image: 'python:3.12',
  label: 'team=vision,stage=test',
  namespace: 'default',
  reason: 'oom,timeout',
  job: 'id of a job',
  id: 'first characters',
};

const LABEL: Partial<Record<TextFilter, string>> = { q: 'anything' };

/** Typing is quiet for so long before it is looked up. */
const PAUSE_MS = 300;

interface FilterBarProps {
  readonly filter: TaskFilter;
  readonly onChange: (filter: TaskFilter) => void;
}

export function FilterBar({ filter, onChange }: FilterBarProps) {
  const { data: cluster } = useCluster();
  const chosen = statesOf(filter);
  const set = TEXT_FILTERS.filter((name) => filter[name] !== undefined);
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-1.5" role="group" aria-label="States">
        {STATES.map((state) => (
          <button
            key={state}
            type="button"
            aria-pressed={chosen.includes(state)}
            onClick={() => onChange(toggleState(filter, state))}
            className="inline-flex h-7 items-center gap-1.5 rounded-full border border-line-strong bg-surface px-2.5 text-small font-medium hover:bg-hover aria-pressed:border-accent aria-pressed:bg-accent-soft"
          >
            <span className={`size-1.5 rounded-full bg-current ${toneOf(state)}`} />
            {state}
            {cluster !== undefined && (
              <span className="font-normal text-muted">{compactCount(cluster.tasks[state] ?? 0)}</span>
            )}
          </button>
        ))}
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <AddFilter filter={filter} onChange={onChange} />
        <select
          aria-label="Order"
          value={filter.order ?? 'newest'}
          onChange={({ target }) =>
            onChange(withFilter(filter, 'order', target.value === 'newest' ? '' : target.value))
          }
          className={`${INPUT} w-auto! max-w-40`}
        >
          <option value="newest">Newest first</option>
          <option value="oldest">Oldest first</option>
          <option value="priority">By priority</option>
        </select>
        {set.map((name) => (
          <span
            key={name}
            className="inline-flex h-8 items-center rounded-md border border-line-strong bg-surface pl-2.5"
          >
            <span className="text-muted">{LABEL[name] ?? name}:&nbsp;</span>
            <span className="max-w-48 truncate font-medium">{filter[name]}</span>
            <IconButton
              icon="close"
              label={`Remove the filter ${name}`}
              onClick={() => onChange(withFilter(filter, name, ''))}
            />
          </span>
        ))}
        {(set.length > 0 || chosen.length > 0) && (
          <Button kind="ghost" onClick={() => onChange({})}>
            Clear all
          </Button>
        )}
      </div>
    </div>
  );
}

function AddFilter({ filter, onChange }: FilterBarProps) {
  const [name, setName] = useState<TextFilter>('q');
  const [text, setText] = useState('');
  useEffect(() => {
    const value = text.trim();
    if (value === (filter[name] ?? '') || value === '') return;
    const timer = setTimeout(() => onChange(withFilter(filter, name, value)), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, name, filter, onChange]);
  return (
    <div className="flex min-w-0 max-sm:w-full">
      <select
        aria-label="Field to filter by"
        value={name}
        onChange={({ target }) => {
          setName(target.value as TextFilter);
          setText('');
        }}
        className={`${INPUT} w-28! rounded-r-none`}
      >
        {TEXT_FILTERS.map((field) => (
          <option key={field} value={field}>
            {LABEL[field] ?? field}
          </option>
        ))}
      </select>
      <input
        aria-label={`Filter by ${name}`}
        value={text}
        onChange={({ target }) => setText(target.value)}
        placeholder={EXAMPLE[name]}
        spellCheck={false}
        className={`${INPUT} w-56! rounded-l-none border-l-0 max-sm:w-auto! max-sm:flex-1`}
      />
    </div>
  );
}
