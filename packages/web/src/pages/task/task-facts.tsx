import type { TaskView } from '@cloudai/sdk';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Ago, Elapsed } from '../../components/ago.tsx';
import { requestLine } from '../../format/amount.ts';
import { words } from '../../format/words.ts';

/** The handful of facts that one looks for first. */
export function TaskFacts({ task }: { readonly task: TaskView }) {
  const facts: readonly (readonly [string, ReactNode])[] = [
    ...(task.reason === null ? [] : [['Reason', words(task.reason)] as const]),
    ...(task.exitCode === null ? [] : [['Exit code', task.exitCode] as const]),
    [
      'Worker',
      task.worker === null ? (
        'none yet'
      ) : (
        <Link to="/workers/$worker" params={{ worker: task.worker }} className="underline-offset-2">
          {task.worker}
        </Link>
      ),
    ],
    ['Attempt', task.attempt === 0 ? 'none yet' : task.attempt],
    ['Asks for', requestLine(task.resources)],
    ['Submitted', <Ago key="at" at={task.submittedAt} />],
    task.startedAt === null
      ? (['Waiting for', <Elapsed key="wait" from={task.submittedAt} to={task.endedAt} />] as const)
      : (['Ran for', <Elapsed key="run" from={task.startedAt} to={task.endedAt} />] as const),
    ['Priority', task.priority],
    ['Owner', `${task.owner} in ${task.namespace}`],
    [
      'Image',
      <code key="image" className="font-mono text-small break-all">
        {task.image}
      </code>,
    ],
  ];
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-3 rounded-lg border bg-surface px-4 py-3">
      {facts.map(([name, value]) => (
        <div key={name} className="min-w-0">
          <dt className="text-label text-muted">{name}</dt>
          <dd className="font-medium">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
