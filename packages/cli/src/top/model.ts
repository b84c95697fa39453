/** What `top` shows, kept up to date over one watch. */
import type { CloudAI, ClusterView, QueueView, SampleView, TaskView, WatchState, WorkerView } from '@cloudai/sdk';

/** Only what is under way: it is as much as the cluster has room for. */
const LIVE = 'assigned,running';
/** Of the waiting ones those that come next. */
const QUEUE_LIMIT = 500;
const PAGE = 1000;
/** Tasks shown; a cluster with more of them needs filters, not a screen. */
const MOST_TASKS = 10_000;

export interface TopData {
  state: WatchState;
  error: Error | null;
  cluster: ClusterView | null;
  queue: QueueView | null;
  readonly tasks: Map<string, TaskView>;
  readonly workers: Map<string, WorkerView>;
  /** By worker. */
  readonly samples: Map<string, SampleView>;
}

export function emptyData(): TopData {
  return {
    ...{ state: 'connecting', error: null, cluster: null, queue: null },
    ...{ tasks: new Map(), workers: new Map(), samples: new Map() },
  };
}

/** Fills and follows `data`; `onChange` after every piece of news. Answers how to end it. */
export function followCluster(client: CloudAI, data: TopData, onChange: () => void): () => void {
  const stop = new AbortController();
  const watch = client.watch({
    signal: stop.signal,
    onState(state) {
      data.state = state;
      onChange();
    },
  });
  const fail = (error: unknown) => {
    if (stop.signal.aborted) return;
    data.error = error instanceof Error ? error : new Error(String(error));
    onChange();
  };
  watch.subscribe(
    'cluster',
    {},
    {
      onUpdate({ cluster }) {
        data.cluster = cluster;
        onChange();
      },
      onError: fail,
    },
  );
  watch.subscribe('queue', { limit: QUEUE_LIMIT }, ({ queue }) => {
    data.queue = queue;
    onChange();
  });
  watch.subscribe('telemetry', {}, ({ samples }) => {
    for (const sample of samples) data.samples.set(sample.worker, sample);
    onChange();
  });
  const followTasks = async (): Promise<void> => {
    const { rows, sequence } = await readAll((cursor) => client.listTasks({ state: LIVE, limit: PAGE }).page(cursor));
    data.tasks.clear();
    for (const task of rows) data.tasks.set(task.id, task);
    onChange();
    const { unsubscribe } = watch.subscribe('tasks', { state: LIVE, after: sequence }, (update) => {
      if (update.kind === 'task' && (data.tasks.size < MOST_TASKS || data.tasks.has(update.task.id)))
        data.tasks.set(update.task.id, update.task);
      else if (update.kind === 'left') data.tasks.delete(update.taskId);
      else if (update.kind === 'gap') {
        unsubscribe();
        followTasks().catch(fail);
      }
      onChange();
    });
  };
  const followWorkers = async (): Promise<void> => {
    const { rows, sequence } = await readAll((cursor) => client.listWorkers().page(cursor));
    data.workers.clear();
    for (const worker of rows) data.workers.set(worker.id, worker);
    onChange();
    const { unsubscribe } = watch.subscribe('workers', { after: sequence }, (update) => {
      if (update.kind === 'worker') data.workers.set(update.worker.id, update.worker);
      else if (update.kind === 'workerLeft') data.workers.delete(update.worker);
      else if (update.kind === 'gap') {
        unsubscribe();
        followWorkers().catch(fail);
      }
      onChange();
    });
  };
  followTasks().catch(fail);
  followWorkers().catch(fail);
  return () => stop.abort();
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
  readonly sequence: number | null;
}

/** All pages; the sequence is that of the first, so that nothing between two of them is missed. */
async function readAll<T>(page: (cursor: string | null) => Promise<Page<T>>): Promise<{ rows: T[]; sequence: number }> {
  const first = await page(null);
  const rows = [...first.items];
  for (let cursor = first.next; cursor !== null && rows.length < MOST_TASKS; ) {
    const { items, next } = await page(cursor);
    rows.push(...items);
    cursor = next;
  }
  return { rows, sequence: first.sequence ?? 0 };
}
