import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Range, RangeSelect, refreshMs } from '../../charts/range-select.tsx';
import { type Series, TimeChart } from '../../charts/time-chart.tsx';
import { ErrorNote } from '../../components/note.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { thousandths } from '../../format/amount.ts';
import { bytes } from '../../format/bytes.ts';
import { compactCount } from '../../format/count.ts';
import { duration } from '../../format/duration.ts';
import { client } from '../../session/client.ts';

/** Throughput, failures, queue and use over time. */
export function History() {
  const [range, setRange] = useState<Range>('-1h');
  const { data, error, refetch } = useQuery({
    queryKey: ['telemetry', 'cluster', range],
    queryFn: ({ signal }) => client.getClusterTelemetry({ from: range, step: STEP[range] }, { signal }),
    refetchInterval: refreshMs(range),
    placeholderData: (before) => before,
  });
  return (
    <section aria-labelledby="history" className="flex flex-col gap-4">
      <header className="flex items-center justify-between gap-4">
        <h2 id="history" className="text-section font-semibold">
          Over time
        </h2>
        <RangeSelect value={range} onChange={setRange} />
      </header>
      {data === undefined ? (
        error === null ? (
          <SkeletonRows rows={8} />
        ) : (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        )
      ) : (
        <div className="grid gap-4 lg:grid-cols-2 2xl:grid-cols-3">
          <Chart
            label={`Ended, per ${duration(data.stepMs)}`}
            at={data.at}
            format={compactCount}
            series={[
              { label: 'completed', tone: 'completed', values: data.series.completed, isFilled: true },
              { label: 'failed', tone: 'failed', values: data.series.failed },
              { label: 'cancelled', tone: 'cancelled', values: data.series.cancelled },
            ]}
          />
          <Chart
            label="Tasks"
            at={data.at}
            format={compactCount}
            series={[
              { label: 'running', tone: 'running', values: data.series.tasksRunning, isFilled: true },
              { label: 'queued', tone: 'queued', values: data.series.queueDepth },
            ]}
          />
          <Chart
            label="Longest wait"
            at={data.at}
            format={duration}
            series={[{ label: 'of the queued', tone: 'queued', values: data.series.oldestWaitMs, isFilled: true }]}
          />
          <Chart
            label="CPU, cores"
            at={data.at}
            format={thousandths}
            series={usage('cpu', data.series.cpuMillisUsed, data.series.cpuMillisAllocated, data.series.cpuMillisTotal)}
          />
          <Chart
            label="Memory"
            at={data.at}
            format={bytes}
            inBytes
            series={usage(
              'memory',
              data.series.memoryBytesUsed,
              data.series.memoryBytesAllocated,
              data.series.memoryBytesTotal,
            )}
          />
          {data.series.gpuMillisTotal.some((value) => value !== null && value > 0) && (
            <Chart
              label="GPUs"
              at={data.at}
              format={thousandths}
              series={usage(
                'gpu',
                data.series.gpuMillisUsed,
                data.series.gpuMillisAllocated,
                data.series.gpuMillisTotal,
              )}
            />
          )}
          <Chart
            label="Workers"
            at={data.at}
            format={compactCount}
            series={[
              { label: 'active', tone: 'completed', values: data.series.workersActive, isFilled: true },
              { label: 'suspect', tone: 'queued', values: data.series.workersSuspect },
              { label: 'lost', tone: 'failed', values: data.series.workersLost },
            ]}
          />
        </div>
      )}
    </section>
  );
}

/** About a hundred steps each: fewer say too little, more can not be told apart. */
const STEP: Readonly<Record<Range, string>> = {
  '-15m': '10s',
  '-1h': '30s',
  '-6h': '5m',
  '-1d': '15m',
  '-7d': '2h',
  '-30d': '6h',
};

type Values = readonly (number | null)[];

function usage(tone: string, used: Values, allocated: Values, total: Values): Series[] {
  return [
    { label: 'used', tone, values: used, isFilled: true },
    { label: 'reserved', tone: 'muted', values: allocated },
    { label: 'there is', tone: 'faint', values: total, isBound: true },
  ];
}

function Chart(props: Parameters<typeof TimeChart>[0]): ReactNode {
  return (
    <div className="min-w-0 rounded-lg border bg-surface p-4">
      <TimeChart {...props} />
    </div>
  );
}
