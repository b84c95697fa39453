import type { WorkerView } from '@cloudai/sdk';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { client } from '../session/client.ts';
import { useGather } from './gather.ts';
import { WORKERS_KEY } from './keys.ts';
import { useTopic } from './live.tsx';
import { updateWorkers, type WorkerUpdate } from './worker-updates.ts';

export interface WorkerRows {
  readonly items: readonly WorkerView[];
  readonly sequence: number | null;
}

/** Above this many the list is cut off. */
const MOST_WORKERS = 20_000;

/** Every worker, kept up to date: state by the watch, usage by live telemetry. */
export function useWorkers() {
  const cache = useQueryClient();
  const workers = useQuery({ queryKey: WORKERS_KEY, queryFn: loadWorkers });
  const gather = useGather<WorkerUpdate>((updates) =>
    cache.setQueryData<WorkerRows>(WORKERS_KEY, (rows) =>
      rows === undefined ? rows : { ...rows, items: updateWorkers(rows.items, [...updates.values()]) },
    ),
  );
  const after = workers.data?.sequence;
  useTopic('workers', after == null ? null : { after }, (update) => {
    if (update.kind === 'worker') gather(`row ${update.worker.id}`, { kind: 'row', worker: update.worker });
    else if (update.kind === 'workerLeft') gather(`row ${update.worker}`, { kind: 'gone', id: update.worker });
    else if (update.kind === 'gap') void cache.invalidateQueries({ queryKey: WORKERS_KEY });
  });
  useTopic('telemetry', workers.data === undefined ? null : {}, (update) => {
    for (const { worker, usage, at } of update.samples)
      gather(`usage ${worker}`, { kind: 'usage', id: worker, usage, at });
  });
  return { ...workers, rows: workers.data?.items };
}

async function loadWorkers(): Promise<WorkerRows> {
  const listing = client.listWorkers();
  const first = await listing.page();
  const items = [...first.items];
  for (let { next } = first; next !== null && items.length < MOST_WORKERS; ) {
    const page = await listing.page(next);
    items.push(...page.items);
    next = page.next;
  }
  return { items, sequence: first.sequence };
}
