import type { AttemptView, TaskDetail } from '@cloudai/sdk';
import { Link } from '@tanstack/react-router';
import { Ago, Elapsed } from '../../components/ago.tsx';
import { EventList } from '../../components/event-list.tsx';
import { KeyValues } from '../../components/key-values.tsx';
import { ErrorNote } from '../../components/note.tsx';
import { Panel } from '../../components/panel.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { StateBadge } from '../../components/state-badge.tsx';
import { bytes } from '../../format/bytes.ts';
import { duration } from '../../format/duration.ts';
import { words } from '../../format/words.ts';
import { useTaskEvents } from '../../live/use-task.ts';
import { AttemptChart } from './attempt-chart.tsx';

export function Timeline({ detail }: { readonly detail: TaskDetail }) {
  const { task, attempts } = detail;
  const { data: events, error, refetch } = useTaskEvents(task.id);
  return (
    <div className="grid gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <div className="flex min-w-0 flex-col gap-4">
        <Panel title="From submit to end">
          <AttemptChart task={task} attempts={attempts} />
        </Panel>
        {attempts.toReversed().map((attempt) => (
          <AttemptPanel key={attempt.number} attempt={attempt} />
        ))}
      </div>
      <Panel title="Events" flush>
        {events !== undefined ? (
          <EventList events={events} without="task" />
        ) : error !== null ? (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        ) : (
          <SkeletonRows />
        )}
      </Panel>
    </div>
  );
}

function AttemptPanel({ attempt }: { readonly attempt: AttemptView }) {
  return (
    <Panel title={`Attempt ${attempt.number}`} actions={<StateBadge state={attempt.state} />}>
      <KeyValues
        items={[
          [
            'Worker',
            <Link key="worker" to="/workers/$worker" params={{ worker: attempt.worker }}>
              {attempt.worker}
            </Link>,
          ],
          ['Reason', attempt.reason === null ? null : words(attempt.reason)],
          ['Message', attempt.message],
          ['Progress', attempt.endedAt === null ? attempt.progress : null],
          ['Exit code', attempt.exitCode],
          ['Assigned', <Ago key="assigned" at={attempt.assignedAt} />],
          [
            'Ran for',
            attempt.startedAt === null ? null : <Elapsed key="ran" from={attempt.startedAt} to={attempt.endedAt} />,
          ],
          ['CPU time', attempt.cpuMillisSeconds === null ? null : duration(attempt.cpuMillisSeconds)],
          ['Peak memory', attempt.peakMemoryBytes === null ? null : bytes(attempt.peakMemoryBytes)],
          ['Placed by', words(attempt.placedBy)],
          ['Image digest', attempt.imageDigest === null ? null : <Code text={attempt.imageDigest} />],
          ['Container', attempt.containerId === null ? null : <Code text={attempt.containerId.slice(0, 12)} />],
        ]}
      />
    </Panel>
  );
}

function Code({ text }: { readonly text: string }) {
  return <code className="font-mono text-small break-all">{text}</code>;
}
