import type { ClusterView } from '@cloudai/sdk';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Meter } from '../../components/meter.tsx';
import { Empty } from '../../components/note.tsx';
import { Panel } from '../../components/panel.tsx';
import { SkeletonRows } from '../../components/skeleton.tsx';
import { amount, amountOf, RESOURCE_LABEL, RESOURCES, type ResourceName } from '../../format/amount.ts';
import { percent } from '../../format/count.ts';
import { client } from '../../session/client.ts';

const USED_EVERY_MS = 5_000;

const USED_SERIES = {
  cpu: 'cpuMillisUsed',
  memory: 'memoryBytesUsed',
  storage: 'storageBytesUsed',
  gpu: 'gpuMillisUsed',
} as const;

/** What the active workers have, what tasks hold of it, and what is really used. */
export function Capacity({ cluster }: { readonly cluster: ClusterView | undefined }) {
  const { data: telemetry } = useQuery({
    queryKey: ['telemetry', 'cluster', 'now'],
    queryFn: ({ signal }) => client.getClusterTelemetry({ from: '-2m', step: '10s' }, { signal }),
    refetchInterval: USED_EVERY_MS,
  });
  const used = (name: ResourceName) => telemetry?.series[USED_SERIES[name]].findLast((value) => value !== null) ?? null;
  if (cluster === undefined)
    return (
      <Panel title="Capacity">
        <SkeletonRows rows={4} />
      </Panel>
    );
  const shown = RESOURCES.filter((name) => amountOf(cluster.total, name) > 0);
  return (
    <Panel
      title="Capacity"
      actions={
        <span className="flex gap-4 text-small text-muted">
          <Key opacity="opacity-100" text="used" />
          <Key opacity="opacity-35" text="reserved" />
        </span>
      }
    >
      {shown.length === 0 ? (
        <Empty icon="workers" title="No worker is connected">
          <Link to="/workers">Register a worker</Link>, and its capacity shows up here.
        </Empty>
      ) : (
        <ul className="flex flex-col gap-5">
          {shown.map((name) => {
            const total = amountOf(cluster.total, name);
            const allocated = amountOf(cluster.allocated, name);
            const now = used(name);
            return (
              <li key={name}>
                <div className="mb-1.5 flex items-baseline justify-between gap-3">
                  <span className="font-medium">{RESOURCE_LABEL[name]}</span>
                  <span className="text-muted">
                    <span className="font-medium text-ink">{amount(name, allocated)}</span> of {amount(name, total)}{' '}
                    reserved
                    {now !== null && ` · ${percent(now / total)} used`}
                  </span>
                </div>
                <Meter
                  label={`${RESOURCE_LABEL[name]} reserved`}
                  allocated={allocated / total}
                  used={now === null ? null : now / total}
                  tone={TONE[name]}
                  className="h-2.5"
                />
              </li>
            );
          })}
        </ul>
      )}
    </Panel>
  );
}

const TONE = { cpu: 'text-cpu', memory: 'text-memory', storage: 'text-storage', gpu: 'text-gpu' } as const;

function Key({ opacity, text }: { readonly opacity: string; readonly text: string }) {
  return (
    <span className="flex items-center gap-1.5">
      <span className={`h-2 w-3 rounded-sm bg-accent ${opacity}`} />
      {text}
    </span>
  );
}
