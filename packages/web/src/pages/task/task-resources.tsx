import type { AttemptEfficiencyView, TaskDetail } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { TimeChart } from '../../charts/time-chart.tsx';
import { INPUT } from '../../components/field.tsx';
import { Empty, ErrorNote } from '../../components/note.tsx';
import { Panel } from '../../components/panel.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { amountWithUnit, thousandths } from '../../format/amount.ts';
import { bytes, bytesPerSecond } from '../../format/bytes.ts';
import { percent } from '../../format/count.ts';
import { duration } from '../../format/duration.ts';
import { client } from '../../session/client.ts';

const LIVE_MS = 3_000;

/** What an attempt used, against what it asked for. */
export function TaskResources({ detail }: { readonly detail: TaskDetail }) {
  const { task, attempts } = detail;
  const [chosen, setChosen] = useState<number | null>(null);
  const attempt = chosen ?? task.attempt;
  if (attempts.length === 0)
    return (
      <div className="rounded-lg border bg-surface">
        <Empty icon="overview" title="Nothing was measured yet">
          Charts begin when the first attempt runs.
        </Empty>
      </div>
    );
  return (
    <div className="flex flex-col gap-4">
      {attempts.length > 1 && (
        <select
          aria-label="Attempt"
          value={attempt}
          onChange={({ target }) => setChosen(Number(target.value))}
          className={`${INPUT} w-auto! self-start`}
        >
          {attempts.map(({ number }) => (
            <option key={number} value={number}>
              Attempt {number}
            </option>
          ))}
        </select>
      )}
      <Efficiency task={task.id} attempt={attempt} isLive={task.endedAt === null} />
      <Charts task={task.id} attempt={attempt} isLive={task.endedAt === null} />
    </div>
  );
}

interface PartProps {
  readonly task: string;
  readonly attempt: number;
  readonly isLive: boolean;
}

function Efficiency({ task, attempt, isLive }: PartProps) {
  const { data, error } = useQuery({
    queryKey: ['task', task, 'efficiency'],
    queryFn: ({ signal }) => client.getTaskEfficiency(task, { signal }),
    refetchInterval: isLive ? LIVE_MS : false,
  });
  const row = data?.attempts.find((each) => each.attempt === attempt);
  if (error !== null) return <ErrorNote error={error} />;
  if (data === undefined || row === undefined) return null;
  const { requested } = data;
  return (
    <Panel title="Used of what was asked for">
      <dl className="grid gap-x-8 gap-y-4 sm:grid-cols-2 xl:grid-cols-4">
        <Share name="CPU" share={row.cpuEfficiency} text={cpuText(row, requested.cpuMillis)} />
        <Share
          name="Memory, peak"
          share={row.memoryEfficiency}
          text={`${show(row.memoryPeakBytes, bytes)} of ${bytes(requested.memoryBytes)}`}
        />
        <Share
          name="Storage, peak"
          share={row.storageEfficiency}
          text={`${show(row.storagePeakBytes, bytes)} of ${bytes(requested.storageBytes)}`}
        />
        {requested.gpuMillis > 0 && (
          <Share name="GPU, mean" share={row.gpuMean} text={`of ${amountWithUnit('gpu', requested.gpuMillis)}`} />
        )}
      </dl>
    </Panel>
  );
}

function cpuText({ cpuMs, wallMs }: AttemptEfficiencyView, cpuMillis: number): string {
  return `${show(cpuMs, duration)} in ${show(wallMs, duration)} on ${amountWithUnit('cpu', cpuMillis)}`;
}

function Share({ name, share, text }: { readonly name: string; readonly share: number | null; readonly text: string }) {
  return (
    <div>
      <dt className="text-muted">{name}</dt>
      <dd className="text-page font-semibold">{share === null ? '–' : percent(share)}</dd>
      <dd className="text-small text-muted">{text}</dd>
    </div>
  );
}

function show(value: number | null, format: (value: number) => string): string {
  return value === null ? '–' : format(value);
}

function Charts({ task, attempt, isLive }: PartProps) {
  const { data, error, refetch } = useQuery({
    queryKey: ['task', task, 'telemetry', attempt],
    queryFn: ({ signal }) => client.getTaskTelemetry(task, { attempt }, { signal }),
    refetchInterval: isLive ? LIVE_MS : false,
  });
  if (data === undefined)
    return error === null ? <SkeletonRows rows={8} /> : <ErrorNote error={error} onRetry={() => void refetch()} />;
  const { at, series, requested } = data;
  if (!series.cpuMillis.some((value) => value !== null))
    return (
      <div className="rounded-lg border bg-surface">
        <Empty icon="overview" title="No samples">
          The attempt was over before its first measurement, or its samples are older than what is kept.
        </Empty>
      </div>
    );
  const bound = (value: number) => at.map(() => value);
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Box>
        <TimeChart
          label="CPU, cores"
          at={at}
          format={thousandths}
          series={[
            { label: 'used', tone: 'cpu', values: series.cpuMillis, isFilled: true },
            { label: 'asked for', tone: 'faint', values: bound(requested.cpuMillis), isBound: true },
          ]}
        />
      </Box>
      <Box>
        <TimeChart
          label="Memory"
          at={at}
          format={bytes}
          inBytes
          series={[
            { label: 'used', tone: 'memory', values: series.memoryBytes, isFilled: true },
            { label: 'asked for', tone: 'faint', values: bound(requested.memoryBytes), isBound: true },
          ]}
        />
      </Box>
      {requested.gpuMillis > 0 && (
        <Box>
          <TimeChart
            label="GPU"
            at={at}
            top={1}
            format={percent}
            series={[{ label: 'used', tone: 'gpu', values: series.gpu, isFilled: true }]}
          />
        </Box>
      )}
      <Box>
        <TimeChart
          label="Network"
          at={at}
          format={bytesPerSecond}
          inBytes
          series={[
            { label: 'received', tone: 'running', values: series.networkRxBytesPerSecond },
            { label: 'sent', tone: 'completed', values: series.networkTxBytesPerSecond },
          ]}
        />
      </Box>
      <Box>
        <TimeChart
          label="Disk"
          at={at}
          format={bytesPerSecond}
          inBytes
          series={[
            { label: 'read', tone: 'storage', values: series.diskReadBytesPerSecond },
            { label: 'written', tone: 'queued', values: series.diskWriteBytesPerSecond },
          ]}
        />
      </Box>
    </div>
  );
}

function Box({ children }: { readonly children: React.ReactNode }) {
  return <div className="min-w-0 rounded-lg border bg-surface p-4">{children}</div>;
}
