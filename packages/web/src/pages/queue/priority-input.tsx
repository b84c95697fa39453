import type { TaskView } from '@cloudai/sdk';
import { useState } from 'react';
import { INPUT } from '../../components/field.tsx';
import { shortId } from '../../format/words.ts';
import { LEAST_PRIORITY, MOST_PRIORITY } from './reprioritise.ts';

/** The priority as a number; Enter or leaving the field sets it, Escape takes it back. */
export function PriorityInput({
  task,
  onChange,
}: {
  readonly task: TaskView;
  readonly onChange: (priority: number) => void;
}) {
  const [text, setText] = useState<string | null>(null);
  const value = Number(text);
  const isValid =
    text === null || (text !== '' && Number.isInteger(value) && value >= LEAST_PRIORITY && value <= MOST_PRIORITY);
  const commit = () => {
    if (text !== null && isValid && value !== task.priority) onChange(value);
    setText(null);
  };
  return (
    <input
      type="number"
      min={LEAST_PRIORITY}
      max={MOST_PRIORITY}
      aria-label={`Priority of ${task.name ?? shortId(task.id)}`}
      aria-invalid={!isValid}
      value={text ?? task.priority}
      onChange={({ target }) => setText(target.value)}
      onBlur={commit}
      onKeyDown={({ key }) => {
        if (key === 'Enter') commit();
        if (key === 'Escape') setText(null);
      }}
      className={`${INPUT} mr-1 w-16! text-right`}
    />
  );
}
