import type { WorkerView } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { type Range, RangeSelect, refreshMs } from '../../charts/range-select.tsx';
import { TimeChart } from '../../charts/time-chart.tsx';
import { ErrorNote } from '../../components/note.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { bytes, bytesPerSecond } from '../../format/bytes.ts';
import { percent } from '../../format/count.ts';
import { client } from '../../session/client.ts';

export function WorkerCharts({ worker }: { readonly worker: WorkerView }) {
  const [range, setRange] = useState<Range>('-1h');
  const { data, error, refetch } = useQuery({
    queryKey: ['worker', worker.id, 'telemetry', range],
    queryFn: ({ signal }) => client.getWorkerTelemetry(worker.id, { from: range }, { signal }),
    refetchInterval: refreshMs(range),
    placeholderData: (before) => before,
  });
  const { total } = worker;
  return (
    <section aria-labelledby="usage" className="flex flex-col gap-4">
      <header className="flex items-center justify-between gap-4">
        <h2 id="usage" className="text-section font-semibold">
          Usage of the machine
        </h2>
        <RangeSelect value={range} onChange={setRange} />
      </header>
      {data === undefined ? (
        error === null ? (
          <SkeletonRows rows={6} />
        ) : (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        )
      ) : (
        <div className="grid gap-4 lg:grid-cols-2 2xl:grid-cols-4">
          <Box>
            <TimeChart
              label="CPU"
              at={data.at}
              top={1}
              format={percent}
              series={[{ label: 'used', tone: 'cpu', values: data.series.cpu, isFilled: true }]}
            />
          </Box>
          <Box>
            <TimeChart
              label="Memory"
              at={data.at}
              format={bytes}
              inBytes
              series={[
                { label: 'used', tone: 'memory', values: data.series.memoryBytes, isFilled: true },
                ...bound(total?.memoryBytes, data.at.length),
              ]}
            />
          </Box>
          {total !== null && total.gpuMillis > 0 && (
            <Box>
              <TimeChart
                label="GPU"
                at={data.at}
                top={1}
                format={percent}
                series={[{ label: 'used', tone: 'gpu', values: data.series.gpu, isFilled: true }]}
              />
            </Box>
          )}
          <Box>
            <TimeChart
              label="Storage"
              at={data.at}
              format={bytes}
              inBytes
              series={[
                { label: 'used', tone: 'storage', values: data.series.storageBytes, isFilled: true },
                ...bound(total?.storageBytes, data.at.length),
              ]}
            />
          </Box>
          <Box>
            <TimeChart
              label="Network"
              at={data.at}
              format={bytesPerSecond}
              inBytes
              series={[
                { label: 'received', tone: 'running', values: data.series.networkRxBytesPerSecond },
                { label: 'sent', tone: 'completed', values: data.series.networkTxBytesPerSecond },
              ]}
            />
          </Box>
        </div>
      )}
    </section>
  );
}

function bound(value: number | undefined, length: number) {
  if (value === undefined) return [];
  return [{ label: 'there is', tone: 'faint', values: Array.from({ length }, () => value), isBound: true }];
}

function Box({ children }: { readonly children: React.ReactNode }) {
  return <div className="min-w-0 rounded-lg border bg-surface p-4">{children}</div>;
}
